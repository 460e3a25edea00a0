package main

import (
	"context"
	"errors"
	"fmt"

	c1zpb "github.com/conductorone/baton-sdk/pb/c1/c1z/v1"
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
)

// content is everything that one sync holds, in the order in which the SDK lists it.
type content struct {
	types        []*v2.ResourceType
	resources    []*v2.Resource
	entitlements []*v2.Entitlement
	grants       []*v2.Grant
}

// withFile opens a file, calls do, and closes it; a file that is not only read is saved then.
func withFile(ctx context.Context, path string, do func(c1zstore.Store) error, options ...dotc1z.C1ZOption) error {
	file, err := dotc1z.NewStore(ctx, path, options...)
	if err != nil {
		return err
	}
	return errors.Join(do(file), file.Close(ctx))
}

// withSQLite is the same for what only the engine of v1 files can do.
func withSQLite(ctx context.Context, path string, do func(*dotc1z.C1File) error, options ...dotc1z.C1ZOption) error {
	return withFile(ctx, path, func(file c1zstore.Store) error {
		sqlite, is := dotc1z.AsSQLiteStore(file)
		if !is {
			return fmt.Errorf("%s is no v1 file", path)
		}
		return do(sqlite)
	}, options...)
}

// latest is the sync that a reader takes: the latest finished full one, or else the latest finished one.
func latest(ctx context.Context, file c1zstore.Store) (*c1zstore.SyncRun, error) {
	run, err := file.SyncMeta().LatestFullSync(ctx)
	if err == nil && run == nil {
		run, err = file.SyncMeta().LatestFinishedSyncOfAnyType(ctx)
	}
	if err == nil && run == nil {
		err = errors.New("there is no finished sync")
	}
	return run, err
}

// load reads a sync whole. What a grant makes effective, which v1 files keep apart, is put back into it.
func load(ctx context.Context, file c1zstore.Store, sync string) (*content, error) {
	var all content
	// A list is of the sync that an annotation names; the field for it is looked at by connectors only.
	which := pack(&c1zpb.SyncDetails{Id: sync})
	types := func(page string) (string, error) {
		answer, err := file.ListResourceTypes(ctx, &v2.ResourceTypesServiceListResourceTypesRequest{PageToken: page, Annotations: which})
		all.types = append(all.types, answer.GetList()...)
		return answer.GetNextPageToken(), err
	}
	resources := func(page string) (string, error) {
		answer, err := file.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{PageToken: page, Annotations: which})
		all.resources = append(all.resources, answer.GetList()...)
		return answer.GetNextPageToken(), err
	}
	entitlements := func(page string) (string, error) {
		answer, err := file.ListEntitlements(ctx, &v2.EntitlementsServiceListEntitlementsRequest{PageToken: page, Annotations: which})
		all.entitlements = append(all.entitlements, answer.GetList()...)
		return answer.GetNextPageToken(), err
	}
	list := file.ListGrants
	if whole, is := file.(connectorstore.ExpansionGrantLister); is {
		list = whole.ListGrantsWithExpansion
	}
	grants := func(page string) (string, error) {
		answer, err := list(ctx, &v2.GrantsServiceListGrantsRequest{PageToken: page, Annotations: which})
		all.grants = append(all.grants, answer.GetList()...)
		return answer.GetNextPageToken(), err
	}
	for _, next := range []func(string) (string, error){types, resources, entitlements, grants} {
		if err := pages(next); err != nil {
			return nil, err
		}
	}
	return &all, nil
}

// loadLatest reads the latest sync of a file.
func loadLatest(ctx context.Context, path string) (all *content, err error) {
	err = withFile(ctx, path, func(file c1zstore.Store) error {
		run, err := latest(ctx, file)
		if err != nil {
			return err
		}
		all, err = load(ctx, file, run.ID)
		return err
	}, dotc1z.WithReadOnly(true))
	return all, err
}

// save writes everything into the sync that is open.
func (all *content) save(ctx context.Context, file c1zstore.Store) error {
	return errors.Join(
		file.PutResourceTypes(ctx, all.types...),
		file.PutResources(ctx, all.resources...),
		file.PutEntitlements(ctx, all.entitlements...),
		file.PutGrants(ctx, all.grants...),
	)
}

// pages calls next with the empty token, then with what it returned, until that is empty.
func pages(next func(page string) (string, error)) error {
	for page := ""; ; {
		var err error
		if page, err = next(page); err != nil || page == "" {
			return err
		}
	}
}
