// Judges the rows of a file, for comparison with other implementations: judge_rows IN.safetensors prints the measures as JSON.
// IN: z [N, D] float32, label [N] int64.
#include <iostream>

#include "common/safetensors.h"
#include "trainer/eval/judge.h"

int main(int, char** arguments) {
  const lodestone::TensorMap in = lodestone::read_safetensors(arguments[1]);
  const int64_t* labels = in.at("label").const_data_ptr<int64_t>();
  const lodestone::LabelledRows rows{in.at("z"), {labels, labels + in.at("label").numel()}};
  std::cout << lodestone::to_json(lodestone::judge(rows).measures) << std::endl;
}
