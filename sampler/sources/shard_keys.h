#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sampler/left_out.h"
#include "sampler/sources/tar_index.h"

namespace lodestone {

/// Members of a shard that cannot be used, and why. Paths of shards are left to who tells it, since shards move.
struct BadMembers {
  struct Member {
    std::string message;  ///< "shard: expected …, got …"
    std::string where;    ///< name and offset
  };
  int64_t count = 0;
  std::vector<Member> first;  ///< 20 at most

  void add(std::string message, const TarMember& member);
  /// The message about the n-th of the first in this shard.
  std::string told(size_t n, const std::string& path) const;
};

/// A sample of a shard: the members with one key.
struct ShardKey {
  static constexpr size_t kMaxTexts = 3;

  std::string name;
  std::optional<TarMember> picture;
  std::array<std::optional<TarMember>, kMaxTexts> texts;  ///< by the endings that were asked for

  /// The first there is.
  const TarMember* text() const;
  bool complete() const { return picture && text() != nullptr; }
  /// What an incomplete one lacks, for people: "key 'a', got only 'a.png' (offset 512)".
  std::string only() const;
};

/// A shard's keys in the order of their first members.
struct ShardKeys {
  std::vector<ShardKey> keys;
  LeftOut left_out;
  BadMembers bad;  ///< second pictures or texts of a key
};

/// Groups members as WebDataset does: a key ends at the first dot of the file name, and what follows is the ending, in any case. So
/// a/b.seg.png is of the key a/b, and no picture beside a/b.png. Passed over and counted: file names that begin with a dot, what lies
/// in a folder __MACOSX, names without a dot, and endings that are neither a picture's nor asked for.
/// Requires   at most kMaxTexts endings, in lower case: ".cls"
ShardKeys keys_of(const TarIndex& tar, std::span<const std::string_view> endings);

}  // namespace lodestone
