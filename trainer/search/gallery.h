#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "trainer/search/embeddings.h"

namespace lodestone::search {

/// One identity of a gallery and its similarity to a query.
struct Identity {
  std::string name;
  int64_t photographs = 0;
  double score = 0;          ///< score of the most alike photograph
  std::string photograph{};  ///< id of that photograph
  int64_t row = 0;           ///< its row in the gallery
};

/// Adds rows to a gallery: Embeddings in one file, where a row's label is the identity and its id the
/// photograph. Adding a photograph of an identity again replaces it.
/// Throws    ConfigError if `more` was made by another model or has a row without a label
Embeddings add_to_gallery(const Embeddings& gallery, const Embeddings& more);

/// The gallery without that identity, or without that photograph of it. Throws DataError, with the nearest
/// name and the first of all names, if it does not exist.
Embeddings remove_from_gallery(const Embeddings& gallery, const std::string& name,
                               const std::string& photograph = "");

/// The identities, ordered by name; score is 0.
std::vector<Identity> identities(const Embeddings& gallery);

/// The k most alike identities of each query, best first, ties by name. The score of an identity is that of
/// its most alike photograph.
/// Cost      2·Q·N·D flops, exact; see neighbours.h
std::vector<std::vector<Identity>> identify(const Embeddings& gallery, const at::Tensor& q_QD, int64_t k);

/// Changes a gallery file under a lock: no other writer can act between the reading and the atomic
/// replacement. `change` gets an unset value if there is no file yet. Throws IoError, and what reading and
/// `change` throw.
void update_gallery(const std::filesystem::path& file,
                    const std::function<Embeddings(const std::optional<Embeddings>& before)>& change);

}  // namespace lodestone::search
