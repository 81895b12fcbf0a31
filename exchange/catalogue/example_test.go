package catalogue_test

import (
	"fmt"

	"accord/exchange"
	"accord/exchange/catalogue"
)

func Example() {
	data, _ := catalogue.Default() // or the bytes that catalogue.Compile made of a YAML file
	cat, err := catalogue.Load(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	request := catalogue.Request{
		Requester: exchange.KindCommission, Category: "discipline-practitioner", Fields: []string{"resident_id"},
		Purpose: "statistics", BasisKind: catalogue.BasisDecision, BasisRef: "青例发改〔2026〕8号",
	}
	answer := cat.Decide(request)
	fmt.Println(answer.Outcome, answer.Rule, answer.Clause)
	fmt.Println(answer.Need.En)

	request.Purpose = "joint-incentive"
	fmt.Println(cat.Decide(request).Why.En)
	// Output:
	// refused commission-joint-review purpose
	// the purpose must be: Joint incentive and sanction review
	// rule commission-joint-review (Joint incentive and sanction review by the commission) of catalogue qinghai-insurance@1 grants it once approved
}
