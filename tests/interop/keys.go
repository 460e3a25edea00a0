package main

import (
	"context"
	"encoding/hex"
	"errors"
	"os"

	"github.com/cockroachdb/pebble/v2"
	format "github.com/conductorone/baton-sdk/pkg/dotc1z/format/v3"
)

// keys prints the store of a v3 file as Pebble has it: every key and value.
func keys(_ context.Context, arguments []string) (err error) {
	folder, err := os.MkdirTemp("", "interop-keys-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	file, err := os.Open(arguments[0])
	if err != nil {
		return err
	}
	defer file.Close()
	if _, _, err := format.ExtractEnvelopePayload(file, folder); err != nil {
		return err
	}
	store, err := pebble.Open(folder, &pebble.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := store.CheckLevels(nil); err != nil {
		return err
	}
	rows, err := store.NewIter(nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var lines []line
	for rows.First(); rows.Valid(); rows.Next() {
		lines = append(lines, line{"key": hex.EncodeToString(rows.Key()), "value": hex.EncodeToString(rows.Value())})
	}
	return errors.Join(rows.Error(), show(lines))
}
