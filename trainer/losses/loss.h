#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include <ATen/core/Tensor.h>

#include "common/fields.h"

// Shapes here: a anchor rows, p positive pairs, k columns of sums over positives, r × c a tile of pairs, t tuples.

namespace lodestone {

/// What a pair of rows is compared by.
enum class Measure {
  kSimilarity,  ///< dot product of the (usually normalised) rows: larger is closer
  kL2,          ///< Euclidean distance
  kSquaredL2,   ///< its square
};

/// Which rows meet.
enum class Pairing {
  kBatch,         ///< rows of the global batch, and of a memory where there is one
  kTowers,        ///< rows of two towers: anchors of either, refs of the other
  kProxies,       ///< anchors are the rows of the batch, refs one learned proxy per class
  kProxyAnchors,  ///< anchors are the proxies, refs the rows of the batch
};

/// What a loss sees of a pair: value = scale · measure + bias.
struct Affine {
  double scale = 1;
  double bias = 0;
};

/// A number that is learned along with the encoder. A handle: the loss and its copies share the tensor.
struct LossParameter {
  const char* name;
  at::Tensor value;  ///< scalar, float64
  double min, max;   ///< kept within these after each update
};

/// What a loss comes to: L = Σ_parts sum / count, with sums and counts over the GLOBAL batch.
/// A count of zero makes the part zero.
struct Terms {
  std::vector<at::Tensor> sums;    ///< scalars
  std::vector<at::Tensor> counts;  ///< scalars
  at::Tensor active;               ///< scalar: items with a loss above zero
  at::Tensor valid;                ///< scalar: items in all
};

class PairLoss;
class TripletLossBase;

/// A loss over pairs or triplets of embeddings. It knows neither ranks nor tiles nor where its refs come from (batch, other
/// tower, memory, proxies), so that one code is exact for one process and for any split over ranks.
/// Adding a loss: one file here and one line in table.cpp; docs/extend.md walks through it.
class Loss {
 public:
  virtual ~Loss() = default;
  virtual void visit(Fields& f) = 0;
  virtual Measure measure() const = 0;
  virtual Pairing pairing() const { return Pairing::kBatch; }
  bool uses_proxies() const { return pairing() == Pairing::kProxies || pairing() == Pairing::kProxyAnchors; }
  /// What kind of loss it is: one of these is itself.
  virtual const PairLoss* as_pairs() const { return nullptr; }
  virtual const TripletLossBase* as_triplets() const { return nullptr; }
  virtual Affine affine() const { return {}; }
  /// What is learned, if anything, and its gradient, from that of `affine()`.
  virtual std::vector<LossParameter> parameters() const { return {}; }
  virtual std::vector<double> parameter_gradients(const Affine& /*gradient*/) const { return {}; }

  /// The same loss written plainly over the whole matrix of values, differentiable by autograd: what verify-gradients and
  /// the tests compare with. positive_ac and negative_ac say how often each pair counts: 0 or 1, or more with mined tuples.
  /// Memory grows with the square of the batch (triplets: with B² per anchor).
  virtual at::Tensor reference(const at::Tensor& value_ac, const at::Tensor& positive_ac,
                               const at::Tensor& negative_ac) const = 0;
};

/// How the terms of an anchor's pairs become one number.
enum class Sum {
  kPlain,   ///< Σ term
  kLogExp,  ///< log Σ exp(term); -inf without terms
};

/// All there is to know of some anchors. Float64; the sums are differentiable leaves.
struct AnchorSums {
  at::Tensor negative_a;          ///< the sum over negatives
  at::Tensor active_negatives_a;  ///< negatives with a term above 0, if the loss counts them
  at::Tensor negatives_a;         ///< how many there are
  at::Tensor positive_ak;         ///< the sums over positives
  at::Tensor positives_a;         ///< how many there are
};

/// A loss that is a function of two kinds of sums per anchor:
///
///   n_a  = Σ over negatives j of f(v_aj)                     (or log Σ exp f)
///   q_ak = Σ over positives p of g_k(v_ap, n_a, n_p)         (or log Σ exp g)
///   L    = Σ_a h(n_a, q_a) / count
///
/// Negatives are many: f and f' run on tiles, by hand. Positives and anchors are few: g and h are plain ATen in float64,
/// differentiated by autograd. From dL/dn the engine has every w_aj = dL/dn_a f'(v_aj) without another word from the loss.
/// With a miner, or with explicit tuples, the same functions run on the (anchor, positive) and (anchor, negative) pairs.
class PairLoss : public Loss {
 public:
  const PairLoss* as_pairs() const final { return this; }
  virtual Sum negative_sum() const = 0;
  /// v → f(v), in place.
  virtual void negative_term(at::Tensor& value_rc) const = 0;
  /// f'(v) where it is one number for all v.
  virtual std::optional<double> constant_slope() const { return {}; }
  /// weight · f'(v), in place on weight_rc; not called when the slope is constant.
  virtual void multiply_slope(const at::Tensor& value_rc, at::Tensor& weight_rc) const = 0;
  /// Bounds of f over values in [low, high]; asked of kLogExp only, to see whether exp can overflow.
  virtual std::pair<double, double> term_range(double low, double high) const { return {low, high}; }
  virtual bool counts_active() const { return false; }

  virtual std::vector<Sum> positive_sums() const = 0;
  /// [p, k]: g_k for each positive pair, from its value and the negative sums of its two ends.
  virtual at::Tensor positive_terms(const at::Tensor& value_p, const at::Tensor& anchor_negative_p,
                                    const at::Tensor& ref_negative_p) const = 0;
  /// Does g read the negative sum of the ref (lifted structure)? Then refs must be anchors too.
  virtual bool reads_ref_sums() const { return false; }
  virtual Terms terms(const AnchorSums& sums) const = 0;
  /// May it be used with explicit pairs (an anchor with a positive alone, or a negative alone)?
  virtual bool takes_pairs() const { return false; }
};

/// The measured pairs of t triplets.
struct TripletValues {
  at::Tensor positive_t;           ///< value(anchor, positive)
  at::Tensor negative_t;           ///< value(anchor, negative)
  at::Tensor positive_negative_t;  ///< value(positive, negative); defined only if the loss asks for it
};

/// A loss over triplets that is cost(x) of the violation x = positive value - negative value (+ margin).
class TripletLossBase : public Loss {
 public:
  const TripletLossBase* as_triplets() const final { return this; }
  virtual at::Tensor violation(const at::Tensor& positive, const at::Tensor& negative) const = 0;
  virtual at::Tensor cost(const at::Tensor& violation) const = 0;
  virtual at::Tensor slope(const at::Tensor& violation) const = 0;
  /// m where the cost is max(0, positive value - negative value + m).
  virtual std::optional<double> hinge_margin() const { return {}; }
  virtual bool counts_active() const = 0;
  /// Does a triplet's negative value depend on value(positive, negative) too (swap)? Needs a miner or explicit triplets.
  virtual bool needs_positive_negative() const { return false; }
  /// Sums and counts over mined or explicit triplets, differentiable by autograd in the values.
  virtual Terms triplet_terms(const TripletValues& values) const = 0;
};

/// Every loss there is.
std::span<const TableRow<Loss>> loss_table();

}  // namespace lodestone
