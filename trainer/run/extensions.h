#pragma once

#include <vector>

#include "trainer/encoders/encoder.h"
#include "trainer/losses/loss.h"
#include "trainer/miners/miner.h"

namespace lodestone::run {

/// Losses, miners and encoders that a program adds to those of the library. Their names are then values of
/// loss.name, miner.name and encoder.name, and an encoder's row says whether it can be a tower of two_tower.
///
///     Extensions own;
///     own.losses = {{.name = "square", .doc = "similarity 1 or 0",
///                    .make = make_row<losses::Loss, SquareLoss>}};
///     own.encoders = {{.name = "tiny", .doc = "images: one layer",
///                      .make = make_row<encoders::Encoder, Tiny>, .images = true}};
///     const Tables tables(own);  // for a RunConfig; lodestone::main (trainer/commands/main.h) takes `own`
struct Extensions {
  std::vector<TableRow<losses::Loss>> losses;
  std::vector<TableRow<miners::Miner>> miners;
  std::vector<TableRow<encoders::Encoder>> encoders;
};

}  // namespace lodestone::run
