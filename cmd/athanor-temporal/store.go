package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	commonpb "go.temporal.io/api/common/v1"
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/server/common/config"
	"go.temporal.io/server/common/log"
	"go.temporal.io/server/common/metrics"
	"go.temporal.io/server/common/persistence/serialization"
	persistencesql "go.temporal.io/server/common/persistence/sql"
	"go.temporal.io/server/common/persistence/sql/sqlplugin"
	"go.temporal.io/server/common/resolver"
	sqliteschema "go.temporal.io/server/schema/sqlite"
)

// searchAttributes make campaigns findable in Temporal's own tools. They are created with the namespace; one that is added here
// later is added to an existing namespace at the next start.
func searchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		"AthanorState":       enumspb.INDEXED_VALUE_TYPE_KEYWORD, // running, paused, …
		"AthanorTitle":       enumspb.INDEXED_VALUE_TYPE_TEXT,    // found by its words
		"AthanorBest":        enumspb.INDEXED_VALUE_TYPE_DOUBLE,  // best value of the first objective so far
		"AthanorExperiments": enumspb.INDEXED_VALUE_TYPE_INT,     // experiments that have an outcome
	}
}

// store is where workflows live, with tables and namespace in place.
type store struct {
	persistence config.Persistence
}

// openStore makes the tables and the namespace where they are absent, and refuses a store that does not fit.
func openStore(ctx context.Context, opts Options, logger log.Logger) (store, error) {
	var (
		workflows, visibility *config.SQL
		err                   error
	)
	if opts.PostgresURL != "" {
		workflows, visibility, err = openPostgres(ctx, opts.PostgresURL, logger)
	} else {
		workflows, err = openSQLite(opts.DB)
		visibility = workflows
	}
	if err != nil {
		return store{}, err
	}
	shards, err := settleShards(ctx, workflows, opts.Shards)
	if err != nil {
		return store{}, err
	}
	namespace, err := sqliteschema.NewNamespaceConfig(clusterName, opts.Namespace, false, searchAttributes())
	if err != nil {
		return store{}, fmt.Errorf("describe namespace %q: %w", opts.Namespace, err)
	}
	// The package is named for SQLite, but writes one row through the plugin of either store.
	if err := sqliteschema.CreateNamespaces(workflows, namespace); err != nil {
		return store{}, fmt.Errorf("create namespace %q: %w", opts.Namespace, err)
	}
	return store{persistence: config.Persistence{
		DefaultStore:     "workflows",
		VisibilityStore:  "visibility",
		NumHistoryShards: int32(shards),
		DataStores:       map[string]config.DataStore{"workflows": {SQL: workflows}, "visibility": {SQL: visibility}},
	}}, nil
}

// settleShards compares the wanted number of shards with the recorded one. Temporal would go on with the recorded one and a line
// in its log; whoever asks for another number should know that it cannot be had.
func settleShards(ctx context.Context, cfg *config.SQL, want int) (int, error) {
	have, err := recordedShards(ctx, cfg)
	switch {
	case err != nil:
		return 0, err
	case have == 0 && want == 0:
		return DefaultShards, nil
	case have == 0:
		return want, nil
	case want != 0 && want != have:
		return 0, fmt.Errorf("-shards is %d, but this store was made with %d, which can never change: give -shards %d or leave it out, or start with a new store", want, have, have)
	}
	return have, nil
}

// recordedShards reads the number of shards that Temporal wrote at its first start; 0 before that.
func recordedShards(ctx context.Context, cfg *config.SQL) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	db, err := persistencesql.NewSQLDB(sqlplugin.DbKindMain, cfg, resolver.NewNoopResolver(), log.NewNoopLogger(), metrics.NoopMetricsHandler)
	if err != nil {
		return 0, fmt.Errorf("open store: %w", err)
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	row, err := db.GetClusterMetadata(ctx, &sqlplugin.ClusterMetadataFilter{ClusterName: clusterName})
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read cluster metadata: %w", err)
	}
	encoding, err := enumspb.EncodingTypeFromString(row.DataEncoding)
	if err != nil {
		return 0, fmt.Errorf("read cluster metadata: %w", err)
	}
	metadata, err := serialization.NewSerializer().DeserializeClusterMetadata(&commonpb.DataBlob{EncodingType: encoding, Data: row.Data})
	if err != nil {
		return 0, fmt.Errorf("read cluster metadata: %w", err)
	}
	return int(metadata.GetHistoryShardCount()), nil
}
