package catalogue

import (
	"bytes"
	_ "embed"
	"sync"

	"accord/crypto/strictjson"
)

//go:embed default/qinghai-insurance.yaml
var defaultSource []byte

// DefaultSource is the YAML source of the default catalogue, for those who
// write their own from it.
func DefaultSource() []byte { return bytes.Clone(defaultSource) }

// DemoNoticeMillis is the notice period of every list in the demo catalogue.
const DemoNoticeMillis = 2000

type built struct {
	data []byte
	doc  *Document
}

var defaultOnce = sync.OnceValue(func() built {
	data, err := Compile(defaultSource)
	if err != nil {
		panic("catalogue: the embedded default is unusable: " + err.Error())
	}
	return parsed(data)
})

var demoOnce = sync.OnceValue(func() built {
	doc := *parsed(defaultOnce().data).doc
	doc.ID += "-demo"
	for i := range doc.Lists {
		doc.Lists[i].NoticeMillis = DemoNoticeMillis
	}
	data, err := strictjson.Marshal(&doc)
	if err != nil {
		panic("catalogue: the demo catalogue cannot be encoded: " + err.Error())
	}
	return parsed(data)
})

func parsed(data []byte) built {
	doc, err := Parse(data)
	if err != nil {
		panic("catalogue: the embedded catalogue is unusable: " + err.Error())
	}
	return built{data, doc}
}

// Default is the catalogue for the Qinghai plan, as the bytes members sign and
// as a document; both are read only.
func Default() ([]byte, *Document) {
	b := defaultOnce()
	return b.data, b.doc
}

// Demo is the default catalogue under another id with notice periods of two
// seconds, so that a listing can be watched from nomination to removal. It is
// for demonstrations and tests: nobody has time to be heard in two seconds.
func Demo() ([]byte, *Document) {
	b := demoOnce()
	return b.data, b.doc
}
