package main

import (
	"context"
	"errors"
	"time"

	v2 "github.com/conductorone/baton-sdk/pb/c1/connector/v2"
	reader "github.com/conductorone/baton-sdk/pb/c1/reader/v2"
	"github.com/conductorone/baton-sdk/pkg/dotc1z"
)

// lookups is the number of single grants to look up.
const lookups = 1000

// measure prints how long the SDK needs to open a file, to list its grants, and to find some of them one by one.
func measure(ctx context.Context, arguments []string) (err error) {
	begin := time.Now()
	lap := func() float64 {
		took := time.Since(begin).Seconds()
		begin = time.Now()
		return took
	}
	file, err := dotc1z.NewStore(ctx, arguments[0], dotc1z.WithReadOnly(true))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(ctx)) }()
	timings := line{"open": lap()}
	count := 0
	var ids []string
	err = pages(func(page string) (string, error) {
		answer, err := file.ListGrants(ctx, &v2.GrantsServiceListGrantsRequest{PageToken: page})
		for at, grant := range answer.GetList() {
			if at%97 == 0 {
				ids = append(ids, grant.GetId())
			}
		}
		count += len(answer.GetList())
		return answer.GetNextPageToken(), err
	})
	if err != nil {
		return err
	}
	timings["list"], timings["grants"] = lap(), count
	if len(ids) == 0 {
		return errors.New("there are no grants")
	}
	for at := range lookups {
		// Not in the order of the rows, so that no block is read twice in a row.
		id := ids[at*7919%len(ids)]
		if _, err := file.GetGrant(ctx, &reader.GrantsReaderServiceGetGrantRequest{GrantId: id}); err != nil {
			return err
		}
	}
	timings["find"] = lap()
	return show([]line{timings})
}
