#pragma once

#include "common/fields.h"

namespace lodestone {

// Small settings with a field of every kind.
struct Shape {
  virtual ~Shape() = default;
  virtual void visit(Fields& f) = 0;
  virtual double area() const = 0;
};

struct Square : Shape {
  double side = 1;
  void visit(Fields& f) override { f.field({.name = "side", .doc = "its side", .min = 0.0}, &side); }
  double area() const override { return side * side; }
};

struct Circle : Shape {
  double radius = 1;
  void visit(Fields& f) override { f.field({.name = "radius", .doc = "its radius", .min = 0.0}, &radius); }
  double area() const override { return 3 * radius * radius; }
};

inline constexpr TableRow<Shape> kShapes[] = {{"square", "four corners", make_row<Shape, Square>},
                                              {"circle", "none", make_row<Shape, Circle>}};

struct Inner {
  int64_t depth = 1;
  void visit(Fields& f) { f.field({.name = "depth", .doc = "how deep", .unit = "metres", .min = 0}, &depth); }
};

enum class Way { kUp, kDown };

struct Settings {
  bool flag = false;
  int64_t count = 1;
  double ratio = 0.5;
  std::string name = "x";
  Way mode = Way::kUp;
  std::vector<int64_t> sizes;
  std::vector<double> scales;
  std::vector<std::string> words;
  std::optional<int64_t> limit;
  std::optional<double> rate = 1.5;
  Inner inner;
  Slot<Shape> shape{kShapes, "square"};

  void visit(Fields& f) {
    f.field({.name = "flag", .doc = "on or off"}, &flag);
    f.field({.name = "count", .doc = "how many", .min = 1, .max = 100}, &count);
    f.field({.name = "ratio", .doc = "a share"}, &ratio);
    f.field({.name = "name", .doc = "what it is called"}, &name);
    f.choice({.name = "mode", .doc = "which way"}, &mode, {{"up", Way::kUp}, {"down", Way::kDown}});
    f.field({.name = "sizes", .doc = "several sizes"}, &sizes);
    f.field({.name = "scales", .doc = "several scales"}, &scales);
    f.field({.name = "words", .doc = "several words"}, &words);
    f.field({.name = "limit", .doc = "an optional limit"}, &limit);
    f.field({.name = "rate", .doc = "an optional rate"}, &rate);
    f.nested({.name = "inner", .doc = "a group"}, inner);
    f.slot({.name = "shape", .doc = "a slot"}, shape);
  }
};

}  // namespace lodestone
