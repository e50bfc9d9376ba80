#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/fields.h"

// Shapes here: a anchor rows, p positive pairs, k columns of sums over positives, r × c a tile of pairs, t
// tuples.

namespace lodestone::losses {

/// The function that compares the two rows of a pair.
enum class Measure {
  kSimilarity,  ///< dot product of the (usually normalised) rows: larger is closer
  kL2,          ///< Euclidean distance
  kSquaredL2,   ///< its square
};

/// Where anchors and references come from.
enum class Pairing {
  kBatch,    ///< anchors from the global batch; references from the batch, and from a memory if there is one
  kTowers,   ///< anchors from either tower, references from the other one
  kProxies,  ///< anchors are the rows of the batch, references one learned proxy per class
  kProxyAnchors,  ///< anchors are the proxies, references the rows of the batch
};

/// The value of a pair, which a loss is a function of: value = scale · measure + bias.
struct Affine {
  double scale = 1;
  double bias = 0;
};

/// A number that is learned together with the encoder. A handle: the loss and its copies share the tensor.
struct LossParameter {
  const char* name;
  at::Tensor value;  ///< scalar, float64
  double min, max;   ///< the value is clamped to these bounds after each update
};

/// The numerators and denominators of a loss: L = Σ_parts sum / count, with sums and counts over the GLOBAL
/// batch. A part whose count is zero is zero.
struct Terms {
  std::vector<at::Tensor> sums;    ///< scalars
  std::vector<at::Tensor> counts;  ///< scalars
  at::Tensor active;               ///< scalar: number of items with a loss above zero
  at::Tensor valid;                ///< scalar: number of all items
};

class PairLoss;
class TripletLossBase;

/// A loss over pairs or triplets of embeddings. It knows neither ranks nor tiles, nor whether its references
/// come from the batch, the other tower, a memory or the proxies, so the same code is exact for one process
/// and for any split over ranks. To add a loss, write one file here and one row in table.cpp; docs/extend.md
/// explains each step.
/// Threads   const methods are safe concurrently
class Loss {
 public:
  virtual ~Loss() = default;
  virtual void visit(Fields& f) = 0;
  virtual Measure measure() const = 0;
  virtual Pairing pairing() const { return Pairing::kBatch; }
  bool uses_proxies() const { return pairing() == Pairing::kProxies || pairing() == Pairing::kProxyAnchors; }
  /// The loss as its kind; exactly one of these is not null, and it is the object itself.
  virtual const PairLoss* as_pairs() const { return nullptr; }
  virtual const TripletLossBase* as_triplets() const { return nullptr; }
  /// The miner that miner.name: auto selects; "all" for losses that are made for all pairs of a batch.
  virtual const char* default_miner() const { return "all"; }
  virtual Affine affine() const { return {}; }
  /// The learned numbers, if any, and their gradients, given the gradient of the loss by `affine()`.
  virtual std::vector<LossParameter> parameters() const { return {}; }
  virtual std::vector<double> parameter_gradients(const Affine& /*gradient*/) const { return {}; }

  /// The same loss over the whole matrix of values, differentiable by autograd. verify-gradients and the
  /// tests compare with it.
  /// Shapes    value_ac, positive_ac, negative_ac: a anchors × c references; positive_ac and negative_ac hold
  ///           how often each pair counts: 0 or 1, or more with mined tuples. Returns a scalar.
  /// Cost      memory grows with the square of the batch (triplets: with B² per anchor)
  virtual at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                            const at::Tensor& negative_ac) const = 0;
};

/// How the terms of an anchor's pairs are reduced to one number.
enum class Sum {
  kPlain,   ///< Σ term
  kLogExp,  ///< log Σ exp(term); -inf without terms
};

/// What `PairLoss::terms` gets about a anchors. Float64; the sums are leaves that autograd differentiates by.
struct AnchorSums {
  at::Tensor negative_a;          ///< sum over negatives
  at::Tensor active_negatives_a;  ///< number of negatives with a term above 0, if counts_active()
  at::Tensor negatives_a;         ///< number of negatives
  at::Tensor positive_ak;         ///< sums over positives
  at::Tensor positives_a;         ///< number of positives
};

/// A loss that is a function of two kinds of sums per anchor. The engine computes f and f' on tiles of all
/// pairs and g and h on the few positives and anchors, in float64 and differentiated by autograd. From dL/dn
/// it derives every weight w_aj = dL/dn_a f'(v_aj), so a loss never sees a gradient. With a miner or with
/// explicit tuples, the same functions run on the (anchor, positive) and (anchor, negative) pairs.
/// Math      n_a  = Σ over negatives j of f(v_aj)                     (or log Σ exp f)
///           q_ak = Σ over positives p of g_k(v_ap, n_a, n_p)         (or log Σ exp g)
///           L    = Σ_a h(n_a, q_a) / count
/// Shapes    value_rc a tile of r × c values, float32 or float64; value_p of p positive pairs; terms returns
///           scalars
/// Ranks     knows none; sums and counts are added over ranks by the engine
/// Gradient  by autograd through g and h, by multiply_slope through f; to rows, proxies and parameters()
/// Cost      f and f' once or twice for each of the B² pairs; g for the positives, h for the anchors
/// Throws    nothing but a ConfigError while settings are read
///
/// A complete loss, L = mean over anchors of (Σ over negatives of v² + Σ over positives of (1 - v)²), v the
/// similarity:
///
///     class SquareLoss : public PairLoss {
///       void visit(Fields&) override {}                                                  // no settings
///       Measure measure() const override { return Measure::kSimilarity; }
///       Sum negative_sum() const override { return Sum::kPlain; }
///       void negative_term(at::Tensor& value_rc) const override { value_rc.square_(); }  // f,  [r, c]
///       void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const override {
///         weight_rc.mul_(value_rc).mul_(2);                                              // f', [r, c]
///       }
///       std::vector<Sum> positive_sums() const override { return {Sum::kPlain}; }        // k = 1
///       at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor&,
///                                 const at::Tensor&) const override {
///         return (1 - value_p).square().unsqueeze(1);                                    // g,  [p, 1]
///       }
///       Terms terms(const AnchorSums& sums) const override {                             // h,  scalars
///         const at::Tensor anchors = at::full_like(sums.negative_a.sum(), sums.negative_a.size(0));
///         return mean_terms(sums.negative_a.sum() + sums.positive_ak.sum(), anchors);    // reduction.h
///       }
///       at::Tensor oracle(const at::Tensor& value_ac, const at::Tensor& positive_ac,
///                         const at::Tensor& negative_ac) const override {
///         const at::Tensor sum_ac = value_ac.square() * negative_ac + (1 - value_ac).square() * positive_ac;
///         return sum_ac.sum() / value_ac.size(0);
///       }
///     };
class PairLoss : public Loss {
 public:
  const PairLoss* as_pairs() const final { return this; }
  virtual Sum negative_sum() const = 0;
  /// f: replaces each v by f(v), in place.
  virtual void negative_term(at::Tensor& value_rc) const = 0;
  /// f'(v), if it is the same number for all v.
  virtual std::optional<double> constant_slope() const { return {}; }
  /// Multiplies weight_rc by f'(v) in place. Not called when constant_slope() has a value.
  virtual void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const = 0;
  /// Bounds of f over values in [low, high]. Used only for kLogExp, to find whether exp can overflow.
  virtual std::pair<double, double> term_range(double low, double high) const { return {low, high}; }
  virtual bool counts_active() const { return false; }

  virtual std::vector<Sum> positive_sums() const = 0;
  /// g: returns [p, k], g_k of each positive pair, from its value and the sums over negatives of its anchor
  /// and of its reference.
  virtual at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor& anchor_negative_p,
                                    const at::Tensor& reference_negative_p) const = 0;
  /// Does g read the sum over negatives of the reference (lifted structure)? Then references must be anchors
  /// too.
  virtual bool reads_reference_sums() const { return false; }
  virtual Terms terms(const AnchorSums& sums) const = 0;
  /// The miner that belongs to the loss, as its paper defines it; "" if there is none. A run is not warned
  /// that this miner discards pairs.
  virtual const char* own_miner() const { return ""; }
  /// Is it defined for explicit pairs, where an anchor may have only a positive or only a negative?
  virtual bool takes_pairs() const { return false; }
};

/// The values of the pairs of t triplets.
struct TripletValues {
  at::Tensor positive_t;           ///< value(anchor, positive)
  at::Tensor negative_t;           ///< value(anchor, negative)
  at::Tensor positive_negative_t;  ///< value(positive, negative); defined only if needs_positive_negative()
};

/// A loss over triplets: cost(x) of the violation x = positive value - negative value (+ margin). `slope` is
/// the derivative of `cost`.
class TripletLossBase : public Loss {
 public:
  const TripletLossBase* as_triplets() const final { return this; }
  /// Most triplets of a batch are easy.
  const char* default_miner() const override { return "semi_hard"; }
  virtual at::Tensor violation(const at::Tensor& positive, const at::Tensor& negative) const = 0;
  virtual at::Tensor cost(const at::Tensor& violation) const = 0;
  virtual at::Tensor slope(const at::Tensor& violation) const = 0;
  /// m, if the cost is max(0, positive value - negative value + m).
  virtual std::optional<double> hinge_margin() const { return {}; }
  virtual bool counts_active() const = 0;
  /// Does the negative value of a triplet also depend on value(positive, negative) (swap)? Such a loss needs
  /// a miner or explicit triplets.
  virtual bool needs_positive_negative() const { return false; }
  /// Sums and counts over mined or explicit triplets, differentiable by autograd in the values.
  virtual Terms triplet_terms(const TripletValues& values) const = 0;
};

/// All losses, in the order in which help lists them.
std::span<const TableRow<Loss>> loss_table();

/// The names of the losses of `table` with this property, with their default settings, for messages: "clip or
/// siglip".
std::string losses_that(std::span<const TableRow<Loss>> table, bool (*holds)(const Loss& loss));

/// Whether anchors and references are rows of one batch with class labels, so that rows of earlier batches
/// and explicit negatives may join the references.
bool compares_rows(const Loss& loss);

}  // namespace lodestone::losses
