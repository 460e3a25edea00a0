package main

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"

	c1zpb "github.com/conductorone/baton-sdk/pb/c1/c1z/v1"
	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"google.golang.org/protobuf/proto"
)

const (
	holders  = 1000  // of one group
	pageRows = 10000 // that are written at a time
)

// The forms that a v3 file's payload can have.
var encodings = map[string]c1zstore.PayloadEncoding{
	"indexed":  c1zstore.PayloadEncodingIndexedZstd,
	"tar":      c1zstore.PayloadEncodingTar,
	"tar-zstd": c1zstore.PayloadEncodingTarZstd,
}

// bulk writes a v3 file with this number of grants and with everything else in world, in one of the payload formats.
func bulk(ctx context.Context, arguments []string) error {
	target, err := strconv.Atoi(arguments[1])
	if err != nil {
		return err
	}
	encoding := encodings["indexed"]
	if len(arguments) > 2 {
		encoding = encodings[arguments[2]]
	}
	return withFile(ctx, arguments[0], func(file c1zstore.Store) error {
		if _, err := file.StartNewSync(ctx, connectorstore.SyncTypeFull, ""); err != nil {
			return err
		}
		base := world()
		if err := base.save(ctx, file); err != nil {
			return err
		}
		for _, row := range base.resources {
			if row.GetIcon() == nil {
				continue
			}
			if err := file.PutAsset(ctx, row.GetIcon(), "image/png", []byte("PNG of "+row.GetIcon().GetId())); err != nil {
				return err
			}
		}
		if err := crowd(ctx, file, target-len(base.grants)); err != nil {
			return err
		}
		return file.EndSync(ctx)
	}, dotc1z.WithEngine(c1zstore.EnginePebble), dotc1z.WithPayloadEncoding(encoding))
}

// crowd adds people, and groups of them with so many members in all: among them groups, members through others, odd ids.
func crowd(ctx context.Context, file c1zstore.Store, members int) error {
	var people []*v2.Resource
	for n := range max(holders, members/20/11*11+1) {
		id := strconv.Itoa(n)
		if n%50 == 0 {
			id += oddIDs[n/50%len(oddIDs)]
		}
		row := &v2.Resource{
			Id:          &v2.ResourceId{ResourceType: "user", Resource: id},
			DisplayName: "Person " + id,
			Annotations: pack(&v2.UserTrait{Login: id, Emails: []*v2.UserTrait_Email{{Address: id + "@example.com", IsPrimary: true}}}),
			Profile:     fields(map[string]any{"number": float64(n), "even": n%2 == 0, "tags": []any{"a", id}}),
		}
		if n%7 == 0 {
			row.ParentResourceId = &v2.ResourceId{ResourceType: "app", Resource: "app"}
		}
		people = append(people, row)
	}
	groups, all := []*v2.Resource{}, content{types: world().types}
	for n := range members/holders + 1 {
		id := "team-" + strconv.Itoa(n)
		group := &v2.Resource{Id: &v2.ResourceId{ResourceType: "group", Resource: id}, DisplayName: id, Annotations: pack(&v2.GroupTrait{})}
		groups = append(groups, group)
		held := all.hold(group, "member", nil)
		for index := range min(holders, members-n*holders) {
			switch {
			case index == 0 && n > 0:
				// All members of the previous group are members through it.
				before := groups[n-1]
				source := &v2.Entitlement{Id: "group:" + before.GetId().GetResource() + ":member"}
				all.grant(held, before, expands(n%2 == 0, []string{"user"}, source))
			case index%10 == 1:
				all.grant(held, people[(n*37+index*11)%len(people)], func(row *v2.Grant) {
					row.Annotations = pack(&v2.GrantImmutable{})
					row.Sources = &v2.GrantSources{Sources: map[string]*v2.GrantSources_GrantSource{
						held.GetId(): {IsDirect: true}, "group:team-0:member": {},
					}}
				})
			default:
				all.grant(held, people[(n*37+index*11)%len(people)], nil)
			}
		}
	}
	all.resources = append(people, groups...)
	return all.saveInPages(ctx, file)
}

func (all *content) saveInPages(ctx context.Context, file c1zstore.Store) error {
	for page := range slices.Chunk(all.resources, pageRows) {
		if err := file.PutResources(ctx, page...); err != nil {
			return err
		}
	}
	for page := range slices.Chunk(all.entitlements, pageRows) {
		if err := file.PutEntitlements(ctx, page...); err != nil {
			return err
		}
	}
	for page := range slices.Chunk(all.grants, pageRows) {
		if err := file.PutGrants(ctx, page...); err != nil {
			return err
		}
	}
	return nil
}

// sums are, of each kind of rows, how many there are and the sum of their hashes, in whatever order they come.
type sums map[string]*struct{ rows, sum uint64 }

func (all sums) add(kind string, parts ...[]byte) {
	hash := sha256.New()
	for _, part := range parts {
		// With lengths, so that no two lists of parts are the same bytes.
		hash.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(part))))
		hash.Write(part)
	}
	if all[kind] == nil {
		all[kind] = &struct{ rows, sum uint64 }{}
	}
	all[kind].rows++
	all[kind].sum += binary.LittleEndian.Uint64(hash.Sum(nil))
}

func (all sums) message(kind string, row proto.Message, more ...[]byte) error {
	bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(row)
	all.add(kind, append([][]byte{bytes}, more...)...)
	return err
}

// grant adds a grant: what it is held through by itself, as maps are not written alike everywhere, and what it makes effective.
func (all sums) grant(row *v2.Grant) error {
	row, expandable, err := split(row)
	if err != nil {
		return err
	}
	var through []string
	for id, source := range row.GetSources().GetSources() {
		through = append(through, fmt.Sprintf("%s %t\n", id, source.GetIsDirect()))
	}
	slices.Sort(through)
	row.Sources = nil
	var text []byte
	for _, line := range through {
		text = append(text, line...)
	}
	if err := all.message("grant", row, text); err != nil || expandable == nil {
		return err
	}
	held, to := row.GetEntitlement().GetId(), row.GetPrincipal().GetId()
	return all.message("expansion", expandable, []byte(held), []byte(to.GetResourceType()), []byte(to.GetResource()))
}

// digest prints the sums of the latest sync of a file.
func digest(ctx context.Context, arguments []string) error {
	return withFile(ctx, arguments[0], func(file c1zstore.Store) error {
		run, err := latest(ctx, file)
		if err != nil {
			return err
		}
		which := pack(&c1zpb.SyncDetails{Id: run.ID})
		all := sums{}
		types := func(page string) (string, error) {
			answer, err := file.ListResourceTypes(ctx, &v2.ResourceTypesServiceListResourceTypesRequest{PageToken: page, Annotations: which})
			for _, row := range answer.GetList() {
				err = firstOf(err, all.message("resource_type", row))
			}
			return answer.GetNextPageToken(), err
		}
		resources := func(page string) (string, error) {
			answer, err := file.ListResources(ctx, &v2.ResourcesServiceListResourcesRequest{PageToken: page, Annotations: which})
			for _, row := range answer.GetList() {
				err = firstOf(err, all.message("resource", row))
			}
			return answer.GetNextPageToken(), err
		}
		entitlements := func(page string) (string, error) {
			answer, err := file.ListEntitlements(ctx, &v2.EntitlementsServiceListEntitlementsRequest{PageToken: page, Annotations: which})
			for _, row := range answer.GetList() {
				err = firstOf(err, all.message("entitlement", row))
			}
			return answer.GetNextPageToken(), err
		}
		list := file.ListGrants
		if lister, ok := file.(connectorstore.ExpansionGrantLister); ok {
			list = lister.ListGrantsWithExpansion
		}
		grants := func(page string) (string, error) {
			answer, err := list(ctx, &v2.GrantsServiceListGrantsRequest{PageToken: page, Annotations: which})
			for _, row := range answer.GetList() {
				err = firstOf(err, all.grant(row))
			}
			return answer.GetNextPageToken(), err
		}
		for _, next := range []func(string) (string, error){types, resources, entitlements, grants} {
			if err := pages(next); err != nil {
				return err
			}
		}
		var lines []line
		for kind, found := range all {
			lines = append(lines, line{"kind": kind, "rows": found.rows, "sum": strconv.FormatUint(found.sum, 16)})
		}
		return show(lines)
	}, dotc1z.WithReadOnly(true))
}

func firstOf(first, second error) error {
	if first != nil {
		return first
	}
	return second
}
