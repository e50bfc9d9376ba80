#include "trainer/commands/main.h"

int main(int argc, char** argv) {
  return lodestone::main(argc, argv);
}
