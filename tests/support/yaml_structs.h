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
  void visit(Fields& f) override { f.field({"side", "its side", "", 0.0}, &side); }
  double area() const override { return side * side; }
};

struct Circle : Shape {
  double radius = 1;
  void visit(Fields& f) override { f.field({"radius", "its radius", "", 0.0}, &radius); }
  double area() const override { return 3 * radius * radius; }
};

inline constexpr TableRow<Shape> kShapes[] = {{"square", "four corners", make_row<Shape, Square>},
                                              {"circle", "none", make_row<Shape, Circle>}};

struct Inner {
  int64_t depth = 1;
  void visit(Fields& f) { f.field({"depth", "how deep", "metres", 0}, &depth); }
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
    f.field({"flag", "on or off"}, &flag);
    f.field({"count", "how many", "", 1, 100}, &count);
    f.field({"ratio", "a share"}, &ratio);
    f.field({"name", "what it is called"}, &name);
    f.choice({"mode", "which way"}, &mode, {{"up", Way::kUp}, {"down", Way::kDown}});
    f.field({"sizes", "several sizes"}, &sizes);
    f.field({"scales", "several scales"}, &scales);
    f.field({"words", "several words"}, &words);
    f.field({"limit", "an optional limit"}, &limit);
    f.field({"rate", "an optional rate"}, &rate);
    f.nested({"inner", "a group"}, inner);
    f.slot({"shape", "a slot"}, shape);
  }
};

}  // namespace lodestone
