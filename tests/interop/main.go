// Command interop reads a c1z file with the reference SDK and prints what it finds, one line a row, so that a test can
// compare it with what was written. With three arguments, `rewrite FROM TO`, it copies a file through the SDK's writer.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
)

func main() {
	ctx, err := context.Background(), error(nil)
	switch {
	case len(os.Args) == 2:
		err = printRows(ctx, os.Args[1])
	case len(os.Args) == 4 && os.Args[1] == "rewrite":
		err = rewrite(ctx, os.Args[2], os.Args[3])
	default:
		err = fmt.Errorf("usage: interop FILE | interop rewrite FROM TO")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// openLatest opens a file for reading and turns to its latest finished full sync.
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

func printRows(ctx context.Context, path string) error {
	file, err := openLatest(ctx, path)
	if err != nil {
		return err
	}
	defer file.Close(ctx)
	sync, err := file.LatestFinishedSyncID(ctx, connectorstore.SyncTypeFull)
	if err != nil {
		return err
	}
	stats, err := file.Stats(ctx, connectorstore.SyncTypeFull, sync)
	if err != nil {
		return err
	}
	for name, count := range stats {
		fmt.Println("stat", name, count)
	}
	if err := rows(func(page string) (string, error) {
		answer, err := file.ListResources(ctx, v2.ResourcesServiceListResourcesRequest_builder{PageToken: page}.Build())
		for _, row := range answer.GetList() {
			fmt.Printf("resource %s/%s %q\n", row.GetId().GetResourceType(), row.GetId().GetResource(), row.GetDisplayName())
		}
		return answer.GetNextPageToken(), err
	}); err != nil {
		return err
	}
	if err := rows(func(page string) (string, error) {
		answer, err := file.ListEntitlements(ctx, v2.EntitlementsServiceListEntitlementsRequest_builder{PageToken: page}.Build())
		for _, row := range answer.GetList() {
			fmt.Println("entitlement", row.GetId(), "on", row.GetResource().GetId().GetResource())
		}
		return answer.GetNextPageToken(), err
	}); err != nil {
		return err
	}
	return rows(func(page string) (string, error) {
		answer, err := file.ListGrants(ctx, v2.GrantsServiceListGrantsRequest_builder{PageToken: page}.Build())
		for _, row := range answer.GetList() {
			fmt.Println("grant", row.GetId(), "of", row.GetEntitlement().GetId(), "to", row.GetPrincipal().GetId().GetResource())
		}
		return answer.GetNextPageToken(), err
	})
}

// rows calls next with the empty token, then with what it returned, until that is empty.
func rows(next func(page string) (string, error)) error {
	for page := ""; ; {
		var err error
		if page, err = next(page); err != nil || page == "" {
			return err
		}
	}
}
