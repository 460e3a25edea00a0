package main

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"os"
	"slices"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	"github.com/conductorone/baton-sdk/pkg/connectorstore"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
	"github.com/conductorone/baton-sdk/pkg/dotc1z/c1zstore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// A line of output. Go writes the keys of maps in order, so equal lines are equal bytes.
type line map[string]any

// printFile prints a sync of a file, the one named or the latest, and all that the file says about its syncs.
func printFile(ctx context.Context, arguments []string) error {
	return withFile(ctx, arguments[0], func(file c1zstore.Store) error {
		wanted := ""
		if len(arguments) > 1 {
			wanted = arguments[1]
		} else {
			run, err := latest(ctx, file)
			if err != nil {
				return err
			}
			wanted = run.ID
		}
		lines, err := describe(ctx, file, wanted)
		if err != nil {
			return err
		}
		return show(lines)
	}, dotc1z.WithReadOnly(true))
}

func describe(ctx context.Context, file c1zstore.Store, sync string) ([]line, error) {
	all, err := load(ctx, file, sync)
	if err != nil {
		return nil, err
	}
	lines, err := all.lines()
	if err != nil {
		return nil, err
	}
	stats, err := file.SyncMeta().StatsV2(ctx, connectorstore.SyncTypeAny, sync)
	if err != nil {
		return nil, err
	}
	inJSON, err := canonical(stats)
	if err != nil {
		return nil, err
	}
	meta := file.Metadata()
	lines = append(lines, line{"kind": "stats", "id": sync, "json": inJSON}, line{"kind": "format", "id": meta.Format})
	sqlite, is := dotc1z.AsSQLiteStore(file)
	if !is {
		return lines, nil
	}
	more, err := syncs(ctx, sqlite)
	if err != nil {
		return nil, err
	}
	lines = append(lines, more...)
	more, err = assets(ctx, sqlite, sync, all)
	return append(lines, more...), err
}

// assets tells the icons of a sync.
func assets(ctx context.Context, file *dotc1z.C1File, sync string, all *content) (lines []line, err error) {
	// Assets are read of the sync that is open only.
	if err := file.SetSyncID(ctx, sync); err != nil {
		return nil, err
	}
	for _, row := range all.resources {
		if row.GetIcon() == nil {
			continue
		}
		kind, data, err := file.GetAsset(ctx, &v2.AssetServiceGetAssetRequest{Asset: row.GetIcon()})
		if status.Code(err) == codes.NotFound {
			continue // The SDK's syncer stores none.
		}
		if err != nil {
			return nil, err
		}
		bytes, err := io.ReadAll(data)
		if err != nil {
			return nil, err
		}
		lines = append(lines, line{"kind": "asset", "id": row.GetIcon().GetId(), "type": kind, "message": bytes})
	}
	return lines, nil
}

// syncs tells all syncs of a v1 file, finished or not.
func syncs(ctx context.Context, file *dotc1z.C1File) (lines []line, err error) {
	err = pages(func(page string) (string, error) {
		runs, next, err := file.ListSyncRuns(ctx, page, 10)
		for _, run := range runs {
			lines = append(lines, line{
				"kind": "sync", "id": run.ID, "type": string(run.Type), "finished": run.EndedAt != nil, "parent": run.ParentSyncID,
			})
		}
		return next, err
	})
	return lines, err
}

// lines tells every row as its bytes and for people, and what is wrong with the rows.
func (all *content) lines() ([]line, error) {
	var lines []line
	add := func(kind, id string, message proto.Message) error {
		bytes, err := proto.MarshalOptions{Deterministic: true}.Marshal(message)
		if err != nil {
			return err
		}
		inJSON, err := canonical(message)
		lines = append(lines, line{"kind": kind, "id": id, "message": bytes, "json": inJSON})
		return err
	}
	for _, row := range all.types {
		if err := add("resource_type", row.GetId(), row); err != nil {
			return nil, err
		}
	}
	for _, row := range all.resources {
		if err := add("resource", name(row.GetId()), row); err != nil {
			return nil, err
		}
	}
	for _, row := range all.entitlements {
		if err := add("entitlement", row.GetId(), row); err != nil {
			return nil, err
		}
	}
	for _, row := range all.grants {
		row, expandable, err := split(row)
		if err != nil {
			return nil, err
		}
		if err := add("grant", row.GetId(), row); err != nil {
			return nil, err
		}
		if expandable != nil {
			if err := add("expansion", row.GetId(), expandable); err != nil {
				return nil, err
			}
		}
	}
	for _, problem := range all.judge() {
		lines = append(lines, line{"kind": "problem", "id": problem})
	}
	return lines, nil
}

// split takes out of a grant what it makes effective, which v1 files keep beside it.
func split(grant *v2.Grant) (*v2.Grant, *v2.GrantExpandable, error) {
	rest := proto.CloneOf(grant)
	rest.Annotations = nil
	var found *v2.GrantExpandable
	for _, annotation := range grant.GetAnnotations() {
		if !annotation.MessageIs(&v2.GrantExpandable{}) {
			rest.Annotations = append(rest.Annotations, annotation)
			continue
		}
		found = &v2.GrantExpandable{}
		if err := annotation.UnmarshalTo(found); err != nil {
			return nil, nil, err
		}
	}
	return rest, found, nil
}

// canonical is a message as JSON whose bytes do not vary.
func canonical(message proto.Message) (any, error) {
	text, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(message)
	if err != nil {
		return nil, err
	}
	var value any
	return value, json.Unmarshal(text, &value)
}

// show prints lines in order.
func show(lines []line) error {
	texts := make([]string, 0, len(lines))
	for _, line := range lines {
		text, err := json.Marshal(line)
		if err != nil {
			return err
		}
		texts = append(texts, string(text))
	}
	slices.Sort(texts)
	out := bufio.NewWriter(os.Stdout)
	for _, text := range texts {
		if _, err := out.WriteString(text + "\n"); err != nil {
			return err
		}
	}
	return out.Flush()
}
