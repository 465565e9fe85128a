package postgres

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/athanor-lab/athanor/dataset/importer"
	"github.com/athanor-lab/athanor/lab"
)

// EachImported calls yield for the rows of an import in order. It reads as it
// goes, in constant memory, and keeps a connection until it returns. The row is
// valid during the call.
func (db *DB) EachImported(ctx context.Context, id string, yield func(*importer.Row) error) error {
	i, err := db.Import(ctx, id)
	if err != nil {
		return err
	}
	const q = `SELECT row, "offset", numbers, texts, corrected FROM import_rows WHERE import_no = $1 ORDER BY row`
	rows, err := db.pool.Query(ctx, q, i.no)
	if err != nil {
		return failed(err, "read import %s", id)
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanImported(rows, i)
		if err != nil {
			return failed(err, "read import %s", id)
		}
		if err := yield(row); err != nil {
			return err // the caller's own
		}
	}
	return failed(rows.Err(), "read import %s", id)
}

// Imported returns the row of an import that has the given id, and its import,
// or [lab.NotFound].
func (db *DB) Imported(ctx context.Context, rowID string) (*importer.Row, Import, error) {
	imp, row, err := importer.ParseRowID(rowID)
	if err != nil {
		return nil, Import{}, err
	}
	const find = `SELECT id FROM imports WHERE id LIKE $1 || '%'`
	var id string
	if err := db.pool.QueryRow(ctx, find, imp).Scan(&id); err != nil {
		return nil, Import{}, failed(err, "find the import of row %s", rowID)
	}
	i, err := db.Import(ctx, id)
	if err != nil {
		return nil, i, err
	}
	const q = `SELECT row, "offset", numbers, texts, corrected FROM import_rows WHERE import_no = $1 AND row = $2`
	r, err := scanImported(db.pool.QueryRow(ctx, q, i.no, row), i)
	return r, i, failed(err, "read row %s", rowID)
}

func scanImported(from pgx.Row, i Import) (*importer.Row, error) {
	var numbers []*float64
	var texts []*string
	var corrected []byte
	r := &importer.Row{Source: importer.Source{SHA256: i.SHA256, Table: i.Mapping.Table}, Settings: []lab.Setting{}, Observed: []lab.Measured{}, Attributes: []importer.Attribute{}}
	if err := from.Scan(&r.Source.Row, &r.Source.Offset, &numbers, &texts, &corrected); err != nil {
		return nil, err
	}
	r.ID = importer.RowID(i.ID, r.Source.Row)
	for k := range i.Mapping.Columns {
		c := &i.Mapping.Columns[k]
		switch {
		case c.Role == importer.Ignored:
		case isNumbers(c):
			if len(numbers) == 0 {
				return nil, lab.Errorf(lab.Internal, "row %d has fewer numbers than its mapping", r.Source.Row)
			}
			if x := numbers[0]; x != nil && c.Role == importer.Objective {
				r.Observed = append(r.Observed, lab.Measured{Name: c.Name, Value: *x, Unit: c.Unit})
			} else if x != nil {
				r.Settings = append(r.Settings, lab.Setting{Name: c.Name, Value: lab.Number(*x), Unit: c.Unit})
			}
			numbers = numbers[1:]
		default:
			if len(texts) == 0 {
				return nil, lab.Errorf(lab.Internal, "row %d has fewer texts than its mapping", r.Source.Row)
			}
			if t := texts[0]; t != nil && c.Role == importer.Parameter {
				r.Settings = append(r.Settings, lab.Setting{Name: c.Name, Value: lab.Label(*t)})
			} else if t != nil {
				r.Attributes = append(r.Attributes, importer.Attribute{Name: c.Name, Text: *t, Unit: c.Unit})
			}
			texts = texts[1:]
		}
	}
	if corrected != nil {
		return r, json.Unmarshal(corrected, &r.Corrected)
	}
	return r, nil
}

// EachHeld calls yield for the rows of an import that are held back and not
// settled, in order.
func (db *DB) EachHeld(ctx context.Context, id string, yield func(importer.Held) error) error {
	i, err := db.Import(ctx, id)
	if err != nil {
		return err
	}
	rows, err := db.pool.Query(ctx, `SELECT body FROM import_held WHERE import_no = $1 AND settled_at IS NULL ORDER BY row`, i.no)
	if err != nil {
		return failed(err, "read what import %s holds back", id)
	}
	defer rows.Close()
	for rows.Next() {
		var h importer.Held
		if err := scanJSON(rows, &h); err != nil {
			return failed(err, "read what import %s holds back", id)
		}
		if err := yield(h); err != nil {
			return err // the caller's own
		}
	}
	return failed(rows.Err(), "read what import %s holds back", id)
}

// SettleHeld imports a row that was held back and corrected. Again is the same as
// once; a row that is not held is [lab.Conflict].
func (db *DB) SettleHeld(ctx context.Context, id string, r *importer.Row) error {
	i, err := db.Import(ctx, id)
	if err != nil {
		return err
	}
	corrected, err := jsonOf(r.Corrected)
	if err != nil {
		return failed(err, "settle row %d of import %s", r.Source.Row, id)
	}
	numbers, texts := arraysOf(i.Mapping.Columns, r)
	const settle = `
		WITH held AS (
			UPDATE import_held SET settled_at = coalesce(settled_at, now())
			WHERE import_no = $1 AND row = $2
			RETURNING row
		)
		INSERT INTO import_rows (import_no, row, "offset", numbers, texts, corrected)
		SELECT $1, row, $3, $4, $5, $6 FROM held
		ON CONFLICT DO NOTHING`
	if _, err := db.pool.Exec(ctx, settle, i.no, r.Source.Row, r.Source.Offset, numbers, texts, corrected); err != nil {
		return failed(err, "settle row %d of import %s", r.Source.Row, id)
	}
	var there bool
	if err := db.pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM import_rows WHERE import_no = $1 AND row = $2)`, i.no, r.Source.Row).Scan(&there); err != nil {
		return failed(err, "settle row %d of import %s", r.Source.Row, id)
	}
	if !there {
		return lab.Errorf(lab.Conflict, "row %d of import %s is not held back", r.Source.Row, id)
	}
	return nil
}

// arraysOf returns the numbers and the texts of a row in the order of the columns.
func arraysOf(columns []importer.Column, r *importer.Row) (numbers []*float64, texts []*string) {
	numbers, texts = []*float64{}, []*string{}
	find := map[string]any{}
	for _, s := range r.Settings {
		find[s.Name] = s.Value
	}
	for _, o := range r.Observed {
		find[o.Name] = lab.Number(o.Value)
	}
	for _, a := range r.Attributes {
		find[a.Name] = lab.Label(a.Text)
	}
	for i := range columns {
		c := &columns[i]
		v, ok := find[c.Name].(lab.Value)
		switch {
		case c.Role == importer.Ignored:
		case isNumbers(c) && ok:
			x := v.Number()
			numbers = append(numbers, &x)
		case isNumbers(c):
			numbers = append(numbers, nil)
		case ok:
			t := strings.ToValidUTF8(v.Label(), "\ufffd")
			texts = append(texts, &t)
		default:
			texts = append(texts, nil)
		}
	}
	return numbers, texts
}
