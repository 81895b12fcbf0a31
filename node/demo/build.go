package demo

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"accord/crypto/keystore"
	"accord/crypto/strictjson"
	"accord/exchange"
	"accord/exchange/catalogue"
	"accord/exchange/identifiers"
	"accord/node/config"
	"accord/node/founding"
)

// Operator is the operator every demo node knows.
const Operator exchange.OperatorID = "admin"

// Federation is the demo federation's id.
const Federation = "qinghai-demo"

// Plan is a demo federation on disk: which nodes there are and where they
// listen. It is kept in the demo's folder so that a second start resumes it.
type Plan struct {
	Format string     `json:"format"`
	Nodes  []PlanNode `json:"nodes"`
	Told   bool       `json:"told"` // the story ran to its end here
	// Who holds the key that blinds persons' numbers, and how many must evaluate; nobody
	// named: every member holds it.
	Holders   []exchange.MemberID `json:"holders,omitempty"`
	Threshold int                 `json:"threshold,omitempty"`
}

// PlanNode is one agency of the plan.
type PlanNode struct {
	Member    string              `json:"member"`
	Kind      exchange.MemberKind `json:"kind"`
	Name      exchange.Text       `json:"name"`
	Listen    string              `json:"listen"`    // where the node listens
	Advertise string              `json:"advertise"` // where its peers reach it: the recorded wire
}

const (
	planFormat = "accord-demo/1"
	planFile   = "demo.json"
)

// Agencies are the four of the demo, without addresses. All are fictional.
func Agencies() []PlanNode { return append([]PlanNode(nil), agencies...) }

var agencies = []PlanNode{
	{Member: "regulator", Kind: exchange.KindRegulator, Name: exchange.Text{Zh: "例省保险监管局", En: "Example Insurance Regulator"}},
	{Member: "commission", Kind: exchange.KindCommission, Name: exchange.Text{Zh: "例省发展和改革委员会", En: "Example Development and Reform Commission"}},
	{Member: "association", Kind: exchange.KindAssociation, Name: exchange.Text{Zh: "例省保险行业协会", En: "Example Insurance Association"}},
	{Member: "court", Kind: exchange.KindCourt, Name: exchange.Text{Zh: "例市中级人民法院", En: "Example Intermediate Court"}},
}

// ErrPlan is given when a folder holds something else than a demo.
var ErrPlan = exchange.Define(exchange.KindInvalid, "DEMO-003",
	exchange.Text{Zh: "目录 {dir} 不能用于演示：{why}", En: "{dir} cannot be used for a demo: {why}"},
	exchange.Text{Zh: "换一个空目录", En: "choose an empty folder"})

// Build founds the demo federation in dir the ordinary way: four agencies make
// keys, introduce themselves, sign one charter and write its genesis. A folder
// that already holds a demo is resumed as it is; one whose founding failed is
// left as it was found.
func Build(ctx context.Context, dir string) (Plan, error) {
	document, _ := catalogue.Demo()
	return BuildUnder(ctx, dir, document)
}

// BuildUnder is Build under another catalogue.
func BuildUnder(ctx context.Context, dir string, document []byte) (Plan, error) {
	if plan, err := readPlan(dir); !errors.Is(err, os.ErrNotExist) {
		return plan, err
	}
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return Plan{}, ErrPlan.With("dir", dir, "why", "not empty")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Plan{}, ErrPlan.Wrap(err, "dir", dir, "why", "cannot be made")
	}
	plan := Plan{Format: planFormat, Nodes: Agencies()}
	addresses, err := FreeAddresses(2 * len(plan.Nodes))
	if err != nil {
		return Plan{}, ErrPlan.Wrap(err, "dir", dir, "why", "no free ports")
	}
	for i := range plan.Nodes {
		plan.Nodes[i].Listen, plan.Nodes[i].Advertise = addresses[2*i], addresses[2*i+1]
	}
	if err = FoundUnder(ctx, dir, plan, document); err == nil {
		err = plan.Save(dir)
	}
	if err != nil {
		for _, n := range plan.Nodes { // the folder was empty: they are ours
			os.RemoveAll(filepath.Join(dir, n.Member))
		}
		return Plan{}, err
	}
	return plan, nil
}

// Found makes a data folder for every agency of the plan and founds their
// federation the ordinary way.
func Found(ctx context.Context, dir string, plan Plan) error {
	document, _ := catalogue.Demo()
	return FoundUnder(ctx, dir, plan, document)
}

// FoundUnder is Found under another catalogue.
func FoundUnder(ctx context.Context, dir string, plan Plan, document []byte) error {
	introductions, err := initialise(dir, plan)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return err
	}
	draft, err := founding.MakeDraft(Federation, introductions, founding.Terms{
		Name: exchange.Text{Zh: "例省保险信用联合体（演示）", En: "Example insurance credit federation (demo)"}, Catalogue: document,
		Holders: plan.Holders, Threshold: plan.Threshold}, time.Now())
	if err != nil {
		return err
	}
	return found(ctx, dir, plan, draft)
}

// initialise makes every agency's folder, in parallel: deriving keys from
// passphrases takes a while on purpose.
func initialise(dir string, plan Plan) ([][]byte, error) {
	introductions := make([][]byte, len(plan.Nodes))
	err := parallel(len(plan.Nodes), func(i int) (err error) {
		n := plan.Nodes[i]
		introductions[i], err = founding.Init(founding.Options{
			Dir: filepath.Join(dir, n.Member), Federation: Federation, Member: exchange.MemberID(n.Member), Kind: n.Kind, Name: n.Name,
			USCC: demoUSCC(i), Listen: n.Listen, Advertise: n.Advertise, Operator: Operator, Clock: time.Now,
			Settings: map[string]string{"raft.timeout": "800ms"},
		})
		return err
	})
	return introductions, err
}

// demoUSCC is a code with right check characters on a division code that was
// never allocated, so it can belong to nobody.
func demoUSCC(i int) string {
	body := "11639900MB000000" + string(rune('1'+i))
	check, err := identifiers.USCCCheck(body)
	if err != nil {
		return ""
	}
	return body + string(check)
}

// found lets every agency check and sign the draft, then founds all of them.
func found(ctx context.Context, dir string, plan Plan, draft []byte) error {
	type opened struct {
		cfg   config.Config
		store *keystore.Store
	}
	all := make([]opened, len(plan.Nodes))
	signatures := make([][]byte, len(plan.Nodes))
	err := parallel(len(plan.Nodes), func(i int) error {
		cfg, _, err := config.Load(filepath.Join(dir, plan.Nodes[i].Member), func(string) (string, bool) { return "", false }, nil)
		if err != nil {
			return err
		}
		store, err := founding.OpenKeys(cfg)
		if err != nil {
			return err
		}
		all[i] = opened{cfg, store}
		signatures[i], err = founding.Sign(cfg, store, draft)
		return err
	})
	defer func() {
		for _, o := range all {
			if o.store != nil {
				o.store.Close()
			}
		}
	}()
	if err != nil {
		return err
	}
	for _, o := range all {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := founding.Found(o.cfg, o.store, draft, signatures); err != nil {
			return err
		}
	}
	return nil
}

func parallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { errs[i] = f(i) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

func readPlan(dir string) (Plan, error) {
	raw, err := os.ReadFile(filepath.Join(dir, planFile))
	if err != nil {
		return Plan{}, err
	}
	var p Plan
	if err := strictjson.Unmarshal(raw, &p); err != nil || p.Format != planFormat {
		return Plan{}, ErrPlan.With("dir", dir, "why", planFile+" is damaged")
	}
	return p, nil
}

// Save writes the plan into the demo's folder.
func (p Plan) Save(dir string) error {
	raw, err := strictjson.Marshal(p)
	if err != nil {
		return err
	}
	return founding.WriteFile(filepath.Join(dir, planFile), append(raw, '\n'))
}
