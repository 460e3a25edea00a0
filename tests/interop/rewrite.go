package main

import (
	"context"
	"errors"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
)

// openLatest opens a v1 file for reading and turns to its latest finished full sync.
func openLatest(ctx context.Context, path string) (*dotc1z.C1File, error) {
	file, err := dotc1z.NewC1ZFile(ctx, path, dotc1z.WithReadOnly(true))
	if err != nil {
		return nil, err
	}
	sync, err := file.LatestFinishedSyncID(ctx, connectorstore.SyncTypeFull)
	if err == nil {
		err = file.ViewSync(ctx, sync)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close(ctx))
	}
	return file, nil
}

// rewrite copies the latest full sync of one v1 file into another, row by row, so that a benchmark can compare what our
// writer and the reference's make of the same rows.
func rewrite(ctx context.Context, arguments []string) (err error) {
	source, err := openLatest(ctx, arguments[0])
	if err != nil {
		return err
	}
	defer source.Close(ctx)
	target, err := dotc1z.NewC1ZFile(ctx, arguments[1])
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close(ctx)) }()
	if _, err := target.StartNewSync(ctx, connectorstore.SyncTypeFull, ""); err != nil {
		return err
	}
	for _, copyRows := range []func() error{
		func() error {
			return pages(func(page string) (string, error) {
				answer, err := source.ListResourceTypes(ctx, v2.ResourceTypesServiceListResourceTypesRequest_builder{PageToken: page}.Build())
				if err != nil {
					return "", err
				}
				return answer.GetNextPageToken(), target.PutResourceTypes(ctx, answer.GetList()...)
			})
		},
		func() error {
			return pages(func(page string) (string, error) {
				answer, err := source.ListResources(ctx, v2.ResourcesServiceListResourcesRequest_builder{PageToken: page}.Build())
				if err != nil {
					return "", err
				}
				return answer.GetNextPageToken(), target.PutResources(ctx, answer.GetList()...)
			})
		},
		func() error {
			return pages(func(page string) (string, error) {
				answer, err := source.ListEntitlements(ctx, v2.EntitlementsServiceListEntitlementsRequest_builder{PageToken: page}.Build())
				if err != nil {
					return "", err
				}
				return answer.GetNextPageToken(), target.PutEntitlements(ctx, answer.GetList()...)
			})
		},
		func() error {
			return pages(func(page string) (string, error) {
				answer, err := source.ListGrants(ctx, v2.GrantsServiceListGrantsRequest_builder{PageToken: page}.Build())
				if err != nil {
					return "", err
				}
				return answer.GetNextPageToken(), target.PutGrants(ctx, answer.GetList()...)
			})
		},
	} {
		if err := copyRows(); err != nil {
			return err
		}
	}
	return target.EndSync(ctx)
}
