// Package custodytest helps to test custody and what stands on it. It has
// deployments on both pairs of back ends ([Backends]), drivers that fail, lose
// answers or pause where a test says so ([Wrap]), and valid specimens of
// everything that a customer registers ([NewSpecimens]).
//
// It does not import custody, so that custody's own tests may use it. Nothing of
// it is linked into the product.
package custodytest
