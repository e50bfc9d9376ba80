#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "trainer/search/embeddings.h"

namespace lodestone {

/// One identity of a gallery and how like it a query is.
struct Identity {
  std::string name;
  int64_t photographs = 0;
  double score = 0;        ///< of the likest photograph
  std::string photograph;  ///< its id
};

/// A gallery is Embeddings in one file: a row's label is the identity, its id the photograph.
/// The same photograph of the same identity stands once: adding it again replaces it.
/// Throws    ConfigError if `more` was made by another model or has a row without a label
Embeddings add_to_gallery(const Embeddings& gallery, const Embeddings& more);

/// Without that identity, or without that photograph of it. Throws DataError if there is none such, naming the nearest.
Embeddings remove_from_gallery(const Embeddings& gallery, const std::string& name,
                               const std::string& photograph = "");

/// The identities in order of name; score is 0.
std::vector<Identity> identities(const Embeddings& gallery);

/// The k identities that are likest to each query, best first, equals by name. An identity is as like as its likest photograph.
/// Cost      2·Q·N·D flops, exact; see neighbours.h
std::vector<std::vector<Identity>> identify(const Embeddings& gallery, const at::Tensor& q_QD, int64_t k);

/// Changes a gallery file: no other writer comes between the reading and the atomic replacement. `change` gets nothing where there
/// is no file yet. Throws IoError, and what reading and `change` throw.
void update_gallery(const std::filesystem::path& file,
                    const std::function<Embeddings(const std::optional<Embeddings>& before)>& change);

}  // namespace lodestone
