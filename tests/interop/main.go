// Command interop reads a c1z file with the reference SDK and prints what it finds, one line a row, so that a test can
// compare it with what was written.
package main

import (
	"context"
	"fmt"
	"os"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
)

func main() {
	if err := run(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, path string) error {
	file, err := dotc1z.NewC1ZFile(ctx, path, dotc1z.WithReadOnly(true))
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
	if err := file.ViewSync(ctx, sync); err != nil {
		return err
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
