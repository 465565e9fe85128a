package ord

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"errors"
	"io"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"

	"github.com/athanor-lab/athanor/lab"
)

//go:embed schema.binpb
var schema []byte

// The messages of the schema.
var datasetType, reactionType = mustTypes()

func mustTypes() (dataset, reaction protoreflect.MessageDescriptor) {
	set := &descriptorpb.FileDescriptorSet{}
	if err := proto.Unmarshal(schema, set); err != nil {
		panic("ord: the embedded schema is damaged: " + err.Error())
	}
	files, err := protodesc.NewFiles(set)
	if err != nil {
		panic("ord: the embedded schema is damaged: " + err.Error())
	}
	find := func(name protoreflect.FullName) protoreflect.MessageDescriptor {
		d, err := files.FindDescriptorByName(name)
		if err != nil {
			panic("ord: the embedded schema has no " + string(name))
		}
		return d.(protoreflect.MessageDescriptor)
	}
	return find("ord.Dataset"), find("ord.Reaction")
}

// maxFile bounds what a file unpacks to.
const maxFile = 1 << 30

// Dataset is an ord.Dataset. Single says that the file was one ord.Reaction,
// which is then the only one of Message.
type Dataset struct {
	Message *dynamicpb.Message
	Single  bool
}

// Read reads a file: gzipped or not, binary or text. Bytes that are neither, or
// are cut, or have fields that the schema does not know, are [lab.Invalid].
func Read(r io.Reader) (Dataset, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return Dataset{}, err
	}
	if bytes.HasPrefix(raw, []byte("\x1f\x8b")) {
		z, err := gzip.NewReader(bytes.NewReader(raw))
		if err != nil {
			return Dataset{}, lab.Errorf(lab.Invalid, "the file is damaged: %w", err)
		}
		if raw, err = io.ReadAll(io.LimitReader(z, maxFile+1)); err != nil {
			return Dataset{}, lab.Errorf(lab.Invalid, "the file is cut or damaged: %w", err)
		}
	}
	if len(raw) > maxFile {
		return Dataset{}, lab.Errorf(lab.Invalid, "the file unpacks to more than %d bytes", maxFile)
	}
	if len(raw) == 0 {
		return Dataset{}, lab.Errorf(lab.Invalid, "the file is empty")
	}
	d, datasetErr := decode(raw, datasetType)
	if datasetErr == nil {
		return Dataset{Message: d}, nil
	}
	one, err := decode(raw, reactionType)
	if err != nil {
		return Dataset{}, lab.Errorf(lab.Invalid, "the file is no Dataset (%w) and no Reaction (%w) of the Open Reaction Database; it may be cut", datasetErr, err)
	}
	d = dynamicpb.NewMessage(datasetType)
	d.Mutable(datasetType.Fields().ByName("reactions")).List().Append(protoreflect.ValueOfMessage(one))
	return Dataset{Message: d, Single: true}, nil
}

func decode(raw []byte, of protoreflect.MessageDescriptor) (*dynamicpb.Message, error) {
	m := dynamicpb.NewMessage(of)
	if isText(raw) {
		return m, prototext.Unmarshal(raw, m)
	}
	if err := proto.Unmarshal(raw, m); err != nil {
		return nil, err
	}
	if unknown(m) {
		return nil, errors.New("it has fields that the schema does not know")
	}
	return m, nil
}

// isText reports whether bytes are text: binary messages have a length or a tag
// below blank in their first bytes.
func isText(raw []byte) bool {
	head := raw[:min(len(raw), 512)]
	for _, b := range head {
		if b < 0x20 && b != '\n' && b != '\r' && b != '\t' {
			return false
		}
	}
	return utf8.Valid(raw)
}

func unknown(m protoreflect.Message) bool {
	if len(m.GetUnknown()) > 0 {
		return true
	}
	found := false
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.IsMap() && f.MapValue().Message() != nil:
			v.Map().Range(func(_ protoreflect.MapKey, v protoreflect.Value) bool {
				found = found || unknown(v.Message())
				return !found
			})
		case f.IsList() && f.Message() != nil:
			for i := 0; i < v.List().Len() && !found; i++ {
				found = unknown(v.List().Get(i).Message())
			}
		case !f.IsMap() && !f.IsList() && f.Message() != nil:
			found = unknown(v.Message())
		}
		return !found
	})
	return found
}

// Reactions returns the reactions of the dataset.
func (d Dataset) Reactions() []protoreflect.Message {
	list := d.Message.Get(datasetType.Fields().ByName("reactions")).List()
	out := make([]protoreflect.Message, list.Len())
	for i := range out {
		out[i] = list.Get(i).Message()
	}
	return out
}

func (d Dataset) top() proto.Message {
	if d.Single {
		return d.Reactions()[0].Interface()
	}
	return d.Message
}

// WriteBinary writes the dataset as it was read, as binary; the same messages
// give the same bytes.
func (d Dataset) WriteBinary(w io.Writer) error {
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(d.top())
	if err != nil {
		return lab.Errorf(lab.Invalid, "write the reactions: %w", err)
	}
	_, err = w.Write(b)
	return err
}

// WriteText writes the dataset as text.
func (d Dataset) WriteText(w io.Writer) error {
	b, err := prototext.MarshalOptions{Multiline: true}.Marshal(d.top())
	if err != nil {
		return lab.Errorf(lab.Invalid, "write the reactions: %w", err)
	}
	_, err = w.Write(b)
	return err
}
