package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"github.com/conductorone/baton-sdk/pkg/sdk"
	"github.com/conductorone/baton-sdk/pkg/sync"
	"github.com/conductorone/baton-sdk/pkg/synccompactor"
	"github.com/conductorone/baton-sdk/pkg/types"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
)

// replay is a connector that serves the rows of a file, so that the SDK's complete sync runs over our rows.
type replay struct {
	types.ConnectorClient
	all *content
}

func (r replay) ListResourceTypes(
	context.Context, *v2.ResourceTypesServiceListResourceTypesRequest, ...grpc.CallOption,
) (*v2.ResourceTypesServiceListResourceTypesResponse, error) {
	return &v2.ResourceTypesServiceListResourceTypesResponse{List: r.all.types}, nil
}

func (r replay) ListResources(
	_ context.Context, request *v2.ResourcesServiceListResourcesRequest, _ ...grpc.CallOption,
) (*v2.ResourcesServiceListResourcesResponse, error) {
	var answer v2.ResourcesServiceListResourcesResponse
	for _, row := range r.all.resources {
		// Children are listed with all others: no type here declares any.
		if row.GetId().GetResourceType() == request.GetResourceTypeId() {
			answer.List = append(answer.List, row)
		}
	}
	return &answer, nil
}

func (r replay) ListEntitlements(
	_ context.Context, request *v2.EntitlementsServiceListEntitlementsRequest, _ ...grpc.CallOption,
) (*v2.EntitlementsServiceListEntitlementsResponse, error) {
	var answer v2.EntitlementsServiceListEntitlementsResponse
	for _, row := range r.all.entitlements {
		if proto.Equal(row.GetResource().GetId(), request.GetResource().GetId()) {
			answer.List = append(answer.List, row)
		}
	}
	return &answer, nil
}

func (r replay) ListGrants(
	_ context.Context, request *v2.GrantsServiceListGrantsRequest, _ ...grpc.CallOption,
) (*v2.GrantsServiceListGrantsResponse, error) {
	var answer v2.GrantsServiceListGrantsResponse
	for _, row := range r.all.grants {
		if proto.Equal(row.GetEntitlement().GetResource().GetId(), request.GetResource().GetId()) {
			answer.List = append(answer.List, proto.CloneOf(row))
		}
	}
	return &answer, nil
}

// resync lets the SDK's syncer, with its checks of a connector, sync the rows of a file into a file, which may be
// the same one. Grants are expanded.
func resync(ctx context.Context, arguments []string) error {
	all, err := loadLatest(ctx, arguments[0])
	if err != nil {
		return err
	}
	nothing, err := sdk.NewEmptyConnector()
	if err != nil {
		return err
	}
	syncer, err := sync.NewSyncer(ctx, replay{nothing, all},
		sync.WithC1ZPath(arguments[1]),
		sync.WithStorageEngine(c1zstore.Engine(arguments[2])),
		sync.WithTmpDir(os.TempDir()),
		sync.WithFailFastInvariants(),
	)
	if err != nil {
		return err
	}
	return errors.Join(syncer.Sync(ctx), syncer.Close(ctx))
}

func clone(ctx context.Context, arguments []string) error {
	return withFile(ctx, arguments[0], func(file c1zstore.Store) error {
		run, err := latest(ctx, file)
		if err != nil {
			return err
		}
		return file.FileOps().CloneSync(ctx, arguments[1], run.ID)
	}, dotc1z.WithReadOnly(true))
}

func convert(ctx context.Context, arguments []string) error {
	return withSQLite(ctx, arguments[0], func(file *dotc1z.C1File) error {
		run, err := latest(ctx, file)
		if err != nil {
			return err
		}
		_, err = file.ToPebble(ctx, arguments[1], run.ID)
		return err
	}, dotc1z.WithReadOnly(true))
}

// convertInPlace opens an old file with the new engine, as a connector of the SDK does.
func convertInPlace(ctx context.Context, arguments []string) error {
	return withFile(ctx, arguments[0], func(c1zstore.Store) error { return nil }, dotc1z.WithEngine(c1zstore.EnginePebble))
}

// recount counts rows again and compares with the counts in the file.
func recount(ctx context.Context, arguments []string) error {
	return withFile(ctx, arguments[0], func(file c1zstore.Store) error {
		run, err := latest(ctx, file)
		if err != nil {
			return err
		}
		if run.Stats == nil {
			return errors.New("the file has no counts")
		}
		if err := file.SyncMeta().RecalculateStats(ctx, run.ID); err != nil {
			return err
		}
		after, err := file.SyncMeta().StatsV2(ctx, connectorstore.SyncTypeAny, run.ID)
		if err != nil {
			return err
		}
		if !proto.Equal(run.Stats, after) {
			return fmt.Errorf("the file has %v, the rows are %v", run.Stats, after)
		}
		return nil
	})
}

// clean removes the syncs of a file that the SDK does not keep.
func clean(ctx context.Context, arguments []string) error {
	return withFile(ctx, arguments[0], func(file c1zstore.Store) error { return file.Cleanup(ctx) })
}

// compact merges the latest syncs of files, the first one being the base, and prints the path of the result.
func compact(ctx context.Context, arguments []string) error {
	var entries []*synccompactor.CompactableSync
	for _, path := range arguments[1:] {
		err := withFile(ctx, path, func(file c1zstore.Store) error {
			run, err := file.SyncMeta().LatestFinishedSyncOfAnyType(ctx)
			if err == nil {
				entries = append(entries, &synccompactor.CompactableSync{FilePath: path, SyncID: run.ID})
			}
			return err
		}, dotc1z.WithReadOnly(true))
		if err != nil {
			return err
		}
	}
	compactor, cleanup, err := synccompactor.NewCompactor(ctx, arguments[0], entries,
		synccompactor.WithTmpDir(os.TempDir()), synccompactor.WithFailFastInvariants())
	if err != nil {
		return err
	}
	done, err := compactor.Compact(ctx)
	if err == nil {
		fmt.Println(done.FilePath)
	}
	return errors.Join(err, cleanup())
}

// changes compares the latest full syncs of two files, the newer file first, and writes into that what is new or other, and
// what is gone, as two more syncs, whose ids it prints. Rows are compared byte by byte.
func changes(ctx context.Context, arguments []string) error {
	return withSQLite(ctx, arguments[1], func(older *dotc1z.C1File) error {
		was, err := latest(ctx, older)
		if err != nil {
			return err
		}
		return withSQLite(ctx, arguments[0], func(newer *dotc1z.C1File) (err error) {
			now, err := latest(ctx, newer)
			if err != nil {
				return err
			}
			both, err := newer.AttachFile(older, "attached")
			if err != nil {
				return err
			}
			defer func() {
				_, detached := both.DetachFile("attached")
				err = errors.Join(err, detached)
			}()
			upserts, deletions, err := both.GenerateSyncDiffFromFile(ctx, was.ID, now.ID)
			if err == nil {
				fmt.Println(upserts)
				fmt.Println(deletions)
			}
			return err
		})
	}, dotc1z.WithReadOnly(true))
}
