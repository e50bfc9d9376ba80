#!/usr/bin/env bash
# What a machine without our build needs to run the program: collect.sh PROGRAM FOLDER
# Puts into FOLDER, at their final places: the program, the libraries that no package has, the scripts that
# start and stop it in a pod, ssh's settings, and in packages.txt the names of the packages that the other
# libraries came from.
set -euo pipefail
program=$1 out=$2 here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
share=$out/usr/local/share/lodestone
mkdir -p "$out"/usr/local/{bin,lib/lodestone} "$share" "$out"/etc/{lodestone,ssh/ssh_config.d}

install -s "$program" "$out/usr/local/bin/lodestone"
install -t "$out/usr/local/bin" "$here/../mpi/train.sh" "$here/../kubernetes/stop.sh"
install -m 644 "$here/sshd_config" "$out/etc/lodestone/sshd_config"
install -m 644 "$here/ssh_config" "$out/etc/ssh/ssh_config.d/lodestone.conf"

# What `lodestone launch` loads into mpirun.
install -s -m 644 -t "$out/usr/local/lib" "$(dirname "$program")/liblodestone_loopback.so"

# The NCCL backend is opened by name where there is a GPU.
modules=()
for module in "$(dirname "$program")"/distributed/liblodestone_nccl.so; do
  [[ ! -e $module ]] || { install -s -t "$out/usr/local/lib" "$module" && modules+=("$module"); }
done

libraries=$(ldd "$program" "${modules[@]}" | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u)
packages=$(mktemp)
while read -r library; do
  path=$(readlink -f "$library")
  # Debian knows files of /lib as those of /usr/lib, or the other way round.
  owner=$(dpkg -S "$path" 2>/dev/null || dpkg -S "${path#/usr}" 2>/dev/null || true)
  case $owner in
    "" | cuda* | libcu* | libnccl* | libnv*) # LibTorch's, or NVIDIA's archive
      cp -L "$library" "$out/usr/local/lib/lodestone/" ;;
    *) sed 's/:.*//; s/,.*//' <<<"$owner" >>"$packages" ;;
  esac
  # cuDNN opens its parts by name.
  [[ $library != */libcudnn.so.* ]] ||
    cp -L "$(dirname "$library")"/libcudnn_*.so.* "$out/usr/local/lib/lodestone/"
done <<<"$libraries"
sort -u "$packages" >"$share/packages.txt"
rm "$packages"
mkdir -p "$out/etc/ld.so.conf.d"
echo /usr/local/lib/lodestone >"$out/etc/ld.so.conf.d/lodestone.conf"
