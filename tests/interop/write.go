package main

import (
	"context"
	"fmt"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
)

// write makes a v1 file with several syncs of a connector that uses all that the SDK offers, and prints every row of
// every sync, by the sync's name in this program.
func write(ctx context.Context, arguments []string) error {
	var lines []line
	err := withFile(ctx, arguments[0], func(file c1zstore.Store) error {
		whole := world()
		for _, sync := range []struct {
			name string
			kind connectorstore.SyncType
			all  *content
			ends bool
		}{
			{"older", connectorstore.SyncTypeFull, whole.part(1, 2, 0, 0), true},
			{"main", connectorstore.SyncTypeFull, whole, true},
			{"resources", connectorstore.SyncTypeResourcesOnly, whole.part(len(whole.types), len(whole.resources), 0, 0), true},
			{"partial", connectorstore.SyncTypePartial, whole.part(2, 3, 1, 1), true},
			{"unfinished", connectorstore.SyncTypeFull, whole.part(1, 1, 0, 0), false},
		} {
			more, err := writeSync(ctx, file, sync.kind, sync.all, sync.ends)
			if err != nil {
				return fmt.Errorf("%s: %w", sync.name, err)
			}
			for _, line := range more {
				line["sync"] = sync.name
			}
			lines = append(lines, more...)
		}
		return nil
	}, dotc1z.WithEngine(c1zstore.EngineSQLite))
	if err != nil {
		return err
	}
	return show(lines)
}

func writeSync(ctx context.Context, file c1zstore.Store, kind connectorstore.SyncType, all *content, ends bool) ([]line, error) {
	id, err := file.StartNewSync(ctx, kind, "")
	if err != nil {
		return nil, err
	}
	// The lines first: writing takes what a grant makes effective out of the grant.
	lines, err := all.lines()
	if err != nil {
		return nil, err
	}
	if err := all.save(ctx, file); err != nil {
		return nil, err
	}
	for _, resource := range all.resources {
		if resource.GetIcon() != nil {
			if err := file.PutAsset(ctx, resource.GetIcon(), "image/png", []byte("\x89PNG of "+resource.GetIcon().GetId())); err != nil {
				return nil, err
			}
		}
	}
	if ends {
		err = file.EndSync(ctx)
	} else {
		err = file.CheckpointSync(ctx, `{"version":1}`)
	}
	return append(lines, line{"kind": "written", "id": id}), err
}

// part is the first rows of each kind.
func (all *content) part(types, resources, entitlements, grants int) *content {
	return &content{all.types[:types], all.resources[:resources], all.entitlements[:entitlements], all.grants[:grants]}
}

// The ids that other connectors have been seen to use, or could: readers must take them as they are.
var oddIDs = []string{
	"plain",
	"with:colons:in:it",
	"with/slashes\\both",
	"Zoë Ōkāfor 大阪 🦀",
	"e\u0301 not composed",
	" blanks at the ends ",
	"-",
	"0",
	"quote\"s and 'quotes', commas",
	"line\nbreak\ttab\r",
	"\u200bzero\u200dwidth\u202eright to left",
	"control\x01\x1b[31mcharacters\x7f",
	"%25 + & ? # =1+1",
	"{\"json\":true}",
}

// world is one tenant of that connector.
func world() *content {
	var all content
	for _, kind := range kinds {
		row := &v2.ResourceType{Id: kind.id, DisplayName: kind.id + " type", Description: "of " + kind.id, Traits: kind.traits}
		if kind.id == "user" {
			row.Annotations = pack(&v2.SkipEntitlementsAndGrants{})
		}
		all.types = append(all.types, row)
	}
	all.people()
	all.things()
	all.groups()
	return &all
}

// hold adds an entitlement on a resource.
func (all *content) hold(on *v2.Resource, slug string, change func(*v2.Entitlement)) *v2.Entitlement {
	row := &v2.Entitlement{
		Resource:    on,
		Id:          on.GetId().GetResourceType() + ":" + on.GetId().GetResource() + ":" + slug,
		DisplayName: on.GetDisplayName() + " " + slug,
		Description: "To hold it",
		Slug:        slug,
		Purpose:     v2.Entitlement_PURPOSE_VALUE_ASSIGNMENT,
		GrantableTo: all.types[:2],
	}
	if change != nil {
		change(row)
	}
	all.entitlements = append(all.entitlements, row)
	return row
}

// grant adds a grant with the id that the SDK's own helper gives it.
func (all *content) grant(what *v2.Entitlement, to *v2.Resource, change func(*v2.Grant)) {
	row := &v2.Grant{
		Id:          what.GetId() + ":" + name(to.GetId()),
		Entitlement: what,
		Principal:   to,
	}
	if change != nil {
		change(row)
	}
	all.grants = append(all.grants, row)
}

// expands makes a grant to a group effective for those who hold other entitlements on it.
func expands(shallow bool, kinds []string, from ...*v2.Entitlement) func(*v2.Grant) {
	return func(row *v2.Grant) {
		rule := &v2.GrantExpandable{Shallow: shallow, ResourceTypeIds: kinds}
		for _, source := range from {
			rule.EntitlementIds = append(rule.EntitlementIds, source.GetId())
		}
		row.Annotations = append(row.Annotations, pack(rule)...)
	}
}
