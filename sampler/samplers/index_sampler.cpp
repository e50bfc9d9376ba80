#include "sampler/samplers/index_sampler.h"

#include <algorithm>
#include <string>

#include "common/error.h"

namespace lodestone::sampler {

Range share_of(int64_t rows, Shard shard) {
  if (rows < 0 || shard.rank < 0 || shard.rank >= shard.world)
    throw ConfigError("shard: expected 0 <= rank < world and rows >= 0, got rank " +
                      std::to_string(shard.rank) + ", world " + std::to_string(shard.world) + ", rows " +
                      std::to_string(rows));
  if (shard.pieces > 0) {
    const Range mine = share_of(shard.pieces, {shard.rank, shard.world});
    if (mine.size() == 0) return {rows, rows};
    return {share_of(rows, {mine.begin, shard.pieces}).begin,
            share_of(rows, {mine.end - 1, shard.pieces}).end};
  }
  const int64_t small = rows / shard.world;
  const int64_t larger = rows % shard.world;  // number of shares with one more row, the first ones
  const int64_t begin = shard.rank * small + std::min(shard.rank, larger);
  return {begin, begin + small + (shard.rank < larger ? 1 : 0)};
}

Cursor advance(Cursor cursor, int64_t steps, int64_t batches_per_epoch) {
  const int64_t position = cursor.position + steps;
  return {cursor.epoch + position / batches_per_epoch, position % batches_per_epoch};
}

void check_cursor(Cursor cursor, int64_t batches_per_epoch) {
  if (cursor.epoch >= 0 && cursor.position >= 0 && cursor.position < batches_per_epoch) return;
  throw ConfigError("sampler: expected an epoch >= 0 and a position below " +
                    std::to_string(batches_per_epoch) + ", got epoch " + std::to_string(cursor.epoch) +
                    ", position " + std::to_string(cursor.position) +
                    "; the checkpoint may belong to another data set or batch size");
}

}  // namespace lodestone::sampler
