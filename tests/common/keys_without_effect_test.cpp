// Keys that have no effect as things are set: refused where a user gives them, passed over where a run has
// kept them.
#include "common/keys_without_effect.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "common/yaml.h"
#include "support/yaml_structs.h"

namespace lodestone {
namespace {

using testing::HasSubstr;

enum class Kind { kAll, kSome };

struct Draw {
  Kind kind = Kind::kAll;
  int64_t count = 4;
  Inner near;
  Slot<Shape> shape{kShapes, "square"};

  void visit(Fields& f) {
    f.choice({.name = "kind", .doc = "what is drawn"}, &kind, {{"all", Kind::kAll}, {"some", Kind::kSome}});
    if (kind == Kind::kAll) without_effect(f, {"count", "near", "shape"}, "with kind: all; leave it out");
    f.field({.name = "count", .doc = "how many", .min = 1}, &count);
    f.nested({.name = "near", .doc = "where"}, near);
    f.slot({.name = "shape", .doc = "of what"}, shape);
  }
};

struct Plan {
  Draw draw;
  void visit(Fields& f) { f.nested({.name = "draw", .doc = "what is drawn"}, draw); }
};

Plan read(const std::string& text, const std::vector<std::string>& sets = {}, bool kept = false) {
  Plan plan;
  const auto root = parse_yaml(text, "run.yaml");
  for (const auto& assignment : sets) apply_set(root, assignment);
  const auto visit = [&](Fields& f) { plan.visit(f); };
  kept ? read_kept_fields(root, visit) : read_fields(root, visit);
  return plan;
}

std::string error_of(const std::string& text, const std::vector<std::string>& sets = {}, bool kept = false) {
  try {
    read(text, sets, kept);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(KeysWithoutEffect, AreRefusedWithTheirPlaceAndWhatToDo) {
  EXPECT_EQ(error_of("draw:\n  count: 9\n"),
            "run.yaml:2: draw.count: has no effect with kind: all; leave it out");
  EXPECT_EQ(error_of("draw: {kind: some, count: 9}", {"draw.kind=all"}),
            "run.yaml:1: draw.count: has no effect with kind: all; leave it out, or add --set draw.count=");
  EXPECT_EQ(error_of("draw: {kind: some, count: 9}", {"draw.kind=all", "draw.count="}), "");
  EXPECT_THAT(error_of("draw: {near: {depth: 2}}"), HasSubstr("draw.near: has no effect"));
  EXPECT_THAT(error_of("draw: {shape: {name: circle}}"), HasSubstr("draw.shape: has no effect"));
  EXPECT_THAT(error_of("draw: {shape: circle}"), HasSubstr("draw.shape: has no effect"));
  EXPECT_THAT(error_of("", {"draw.count=4"}), HasSubstr("--set draw.count: has no effect"))
      << "the default, said aloud, is refused too: whoever says it expects something of it";
  EXPECT_THAT(error_of("draw: {kind: some, count: 9}", {"draw.kind=all"}), HasSubstr("run.yaml:1"));
}

TEST(KeysWithoutEffect, CountWhereTheyHaveAnEffect) {
  const Plan plan = read("draw: {kind: some, count: 9, near: {depth: 2}, shape: circle}");
  EXPECT_EQ(plan.draw.count, 9);
  EXPECT_EQ(plan.draw.near.depth, 2);
  EXPECT_EQ(plan.draw.shape.name(), "circle");
}

TEST(KeysWithoutEffect, WithNothingBehindThemAreAbsent) {
  EXPECT_EQ(error_of("draw: {count: , near: {}, shape: }"), "");
  EXPECT_EQ(error_of("draw: {count: [], shape: \"\"}"), "");
  EXPECT_EQ(error_of("draw: {count: 3}", {"draw.count="}), "");
}

TEST(KeysWithoutEffect, ThatARunHasKeptAreLeftAtTheirDefaults) {
  const Plan kept = read("draw: {count: 9, near: {depth: 2}}", {}, true);
  EXPECT_EQ(kept.draw.count, 4);
  EXPECT_EQ(kept.draw.near.depth, 1);
  EXPECT_THAT(error_of("draw: {count: 9}", {"draw.count=3"}, true), HasSubstr("has no effect"))
      << "what is said now, is said by a user";
  EXPECT_THAT(error_of("draw: {cuont: 9}", {}, true), HasSubstr("unknown key"));
}

struct Port {
  int64_t port = 0, height = 10;
  std::string user;
  Inner inner;

  void visit(Fields& f) {
    f.nested({.name = "inner", .doc = "where"}, inner);
    f.field({.name = "port", .doc = "0: off"}, &port);
    if (port == 0) without_effect(f, {"user"}, "without a port", inner.depth == 0 ? "inner.depth" : "port");
    f.field({.name = "user", .doc = "who"}, &user);
    f.field({.name = "height", .doc = "at most the port, if that is set"}, &height);
    if (height > 99) refuse_given(f, "height", "expected less", "inner.depth");
  }
};

std::string port_error(const std::string& text, const std::vector<std::string>& sets, bool kept = false) {
  Port port;
  const auto root = parse_yaml(text, "run.yaml");
  for (const auto& assignment : sets) apply_set(root, assignment);
  const auto visit = [&](Fields& f) { port.visit(f); };
  try {
    kept ? read_kept_fields(root, visit) : read_fields(root, visit);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "user " + port.user;
}

TEST(KeysWithoutEffect, OfAPartThatSetTurnsOffAreAbsent) {
  const std::string file = "port: 9\nuser: ali\n";
  EXPECT_EQ(port_error(file, {}), "user ali");
  EXPECT_EQ(port_error(file, {"port=0"}), "user ");
  EXPECT_EQ(port_error("user: ali\n", {}), "run.yaml:1: user: has no effect without a port");
  EXPECT_THAT(port_error("port: 0\nuser: ali\n", {}), HasSubstr("run.yaml:2: user: has no effect"));
  EXPECT_THAT(port_error(file, {"port=0", "user=bo"}), HasSubstr("--set user: has no effect"));
  EXPECT_EQ(port_error("inner: {depth: 3}\nuser: ali\n", {"inner.depth=0"}), "user ")
      << "the switch may lie in a mapping below";
}

TEST(KeysWithoutEffect, ValuesInVainAreRefusedUnlessSetHasMadeThemSo) {
  EXPECT_EQ(port_error("height: 100\n", {}), "run.yaml:1: height: expected less");
  EXPECT_EQ(port_error("height: 100\n", {"inner.depth=2"}), "user ");
  EXPECT_THAT(port_error("", {"inner.depth=2", "height=100"}), HasSubstr("--set height"));
  EXPECT_EQ(port_error("height: 100\n", {}, true), "user ") << "what a run has kept";
}

TEST(KeysWithoutEffect, AreNotWrittenButDocumented) {
  Plan plan;
  const auto visit = [&](Fields& f) { plan.visit(f); };
  const std::string written = write_yaml(visit);
  EXPECT_EQ(written, "draw:\n  kind: \"all\"\n");
  EXPECT_EQ(error_of(written), "");
  plan.draw.kind = Kind::kSome;
  EXPECT_THAT(write_yaml(visit), HasSubstr("count: 4"));
  EXPECT_EQ(error_of(write_yaml(visit)), "");
  plan.draw.kind = Kind::kAll;
  for (const std::string key : {"count: 4", "depth: 1", "name: \"square\""})
    EXPECT_THAT(write_reference(visit), HasSubstr(key));
  EXPECT_EQ(error_of(write_reference(visit)), "") << "commented out, the reference is a configuration";
  EXPECT_TRUE(
      nlohmann::json::parse(write_schema(visit))["properties"]["draw"]["properties"].contains("count"));
}

TEST(KeysWithoutEffect, AGroupOfNothingElseIsWrittenEmpty) {
  struct Empty {
    int64_t size = 1;
    void visit(Fields& f) {
      without_effect(f, {"size"}, "here");
      f.field({.name = "size", .doc = "of it"}, &size);
    }
  } empty;
  const auto visit = [&](Fields& f) { f.nested({.name = "memory", .doc = "it"}, empty); };
  EXPECT_EQ(write_yaml(visit), "memory: {}\n");
  EXPECT_NO_THROW(read_fields(parse_yaml("memory: {}\n", "a.yaml"), visit));
}

TEST(KeysWithoutEffect, ASlotTakesItsNameAlone) {
  EXPECT_EQ(read("draw: {kind: some, shape: circle}").draw.shape->area(), 3);
  EXPECT_THAT(error_of("draw: {kind: some, shape: cirlce}"), HasSubstr("did you mean 'circle'?"));
  EXPECT_THAT(error_of("draw: {kind: some, shape: [circle]}"), HasSubstr("draw.shape: expected"));
}

}  // namespace
}  // namespace lodestone
