#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/left_out.h"
#include "sampler/sources/tar_index.h"

namespace lodestone::sampler {

/// Members of a shard that cannot be used, with reasons. The caller adds the shard's path, since shards move.
struct BadMembers {
  struct Member {
    std::string message;  ///< "shard: expected …, got …"
    std::string where;    ///< name and offset
  };
  int64_t count = 0;
  std::vector<Member> first;  ///< at most 20

  void add(std::string message, const TarMember& member);
  /// The message about member first[n], for a shard at `path`.
  std::string message_for(size_t n, const std::string& path) const;
};

/// A sample of a shard: the members with one key.
struct ShardKey {
  static constexpr size_t kMaxTexts = 3;

  std::string name;
  std::optional<TarMember> image;
  std::array<std::optional<TarMember>, kMaxTexts> texts;  ///< in the order of the endings that were requested

  /// The first text that exists; null if there is none.
  const TarMember* text() const;
  bool complete() const { return image && text() != nullptr; }
  /// What an incomplete key has, for error messages: "key 'a', got only 'a.png' (offset 512)".
  std::string only() const;
};

/// The keys of a shard in the order of their first members.
struct ShardKeys {
  std::vector<ShardKey> keys;
  LeftOut left_out;
  BadMembers bad;  ///< second images or texts of a key
};

/// Groups members by key as WebDataset does: a key ends at the first dot of the file name; the rest is the
/// ending, in any case. So a/b.seg.png has the key a/b and is no image beside a/b.png. Left out and counted:
/// file names that begin with a dot, everything in a folder __MACOSX, names without a dot, and endings that
/// are neither an image's nor requested.
/// Requires  at most kMaxTexts endings, in lower case: ".cls".
ShardKeys keys_of(const TarIndex& tar, std::span<const std::string_view> endings);

}  // namespace lodestone::sampler
