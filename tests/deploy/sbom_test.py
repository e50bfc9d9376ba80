#!/usr/bin/env python3
"""deploy/sbom: it names all that ./dev has pinned and all that is installed, in the form that readers of
CycloneDX expect."""
import json
import os
import pathlib
import re
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
STATUS = """Package: libspng0
Status: install ok installed
Source: libspng
Version: 0.7.3-3
Architecture: amd64
Description: decoder
 Package: not-one
 .
 Status: install ok installed

Package: gone
Status: deinstall ok config-files
Version: 1
Architecture: amd64

Package: g++-12
Status: hold ok installed
Version: 2:1.0+b~3
Architecture: all
"""


def sbom(*options: str, text: str = STATUS) -> subprocess.CompletedProcess:
    return subprocess.run([ROOT / "deploy/sbom", *options], input=text, capture_output=True, text=True,
                          timeout=60,
                          env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"})


def bill(*options: str) -> dict:
    made = sbom(*options)
    assert made.returncode == 0, made.stderr
    return json.loads(made.stdout)


def pinned() -> dict[str, str]:
    """wheel to its hash, as the shell itself understands ./dev."""
    lines = (ROOT / "dev").read_text().split("\n")
    begin = lines.index("declare -A wheels=(")
    script = next(line for line in lines if line.startswith("torch_version=")) + "\n" + "\n".join(
        lines[begin:lines.index(")", begin) + 1])
    out = subprocess.run(["bash", "-c", script + '\nprintf "%s\\n" "${wheels[@]}"'], check=True,
                         capture_output=True, text=True).stdout
    return dict(line.split(" ") for line in out.splitlines())


class Sbom(unittest.TestCase):
    def setUp(self) -> None:
        self.made = bill("--status", "-", "--distribution", "debian-12")
        self.components = {one["bom-ref"]: one for one in self.made["components"]}

    def test_has_the_shape_of_cyclonedx(self) -> None:
        self.assertEqual((self.made["bomFormat"], self.made["specVersion"], self.made["version"]),
                         ("CycloneDX", "1.5", 1))
        self.assertRegex(self.made["serialNumber"], r"^urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
        self.assertEqual(self.made["metadata"]["timestamp"], "2023-11-14T22:13:20Z")
        own = self.made["metadata"]["component"]
        self.assertIn(f"VERSION {own['version']}", (ROOT / "CMakeLists.txt").read_text())
        self.assertEqual(len(self.components), len(self.made["components"]))
        for one in self.made["components"]:
            self.assertEqual((one["type"], one["bom-ref"]), ("library", one["purl"]))
            self.assertRegex(one["purl"], r"^pkg:(pypi|deb/debian)/[^@ ]+@[^@ ]+$")
        self.assertEqual(self.made["dependencies"],
                         [{"ref": own["bom-ref"], "dependsOn": sorted(self.components)}])

    def test_names_every_wheel_with_its_hash(self) -> None:
        wheels = {f"{one['name']}=={one['version']}": one["hashes"][0] for one in self.components.values()
                  if "hashes" in one}
        self.assertGreater(len(pinned()), 10)
        self.assertEqual(wheels, {name: {"alg": "SHA-256", "content": sha} for name, sha in pinned().items()})
        required = {one["name"] for one in self.components.values() if "hashes" in one and one["scope"]
                    == "required"}
        fetched = re.findall(r'^  fetch_wheel "\$stage" (\w+)', (ROOT / "dev").read_text(), re.M)
        self.assertEqual(len(required), len(set(fetched)) + 1)  # and torch itself, which both branches fetch

    def test_names_what_is_installed_and_nothing_else(self) -> None:
        packages = sorted(ref for ref in self.components if ref.startswith("pkg:deb"))
        self.assertEqual(packages, ["pkg:deb/debian/g%2B%2B-12@2%3A1.0%2Bb~3?arch=all&distro=debian-12",
                                    "pkg:deb/debian/libspng0@0.7.3-3?arch=amd64&distro=debian-12"])
        self.assertEqual(self.components[packages[1]]["properties"],
                         [{"name": "lodestone:source-package", "value": "libspng"}])

    def test_is_the_same_for_the_same(self) -> None:
        self.assertEqual(self.made, bill("--status", "-", "--distribution", "debian-12"))
        self.assertNotEqual(self.made["serialNumber"],
                            bill("--status", "-", "--distribution", "ubuntu-24.04")["serialNumber"])

    def test_refuses_what_is_no_status(self) -> None:
        for options, text, what in ((["--status", "-"], "nonsense", "expected installed packages"),
                                    (["--status", "/nonexistent"], "", "/nonexistent"),
                                    (["--status", "/"], "", "Is a directory")):
            made = sbom(*options, text=text)
            self.assertEqual((made.returncode, made.stdout), (1, ""))
            self.assertIn(what, made.stderr)
            self.assertNotIn("Traceback", made.stderr)

    @unittest.skipUnless(pathlib.Path("/var/lib/dpkg/status").exists(), "this machine has no dpkg")
    def test_reads_this_machine(self) -> None:
        out = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Package}\n"], check=True,
                             capture_output=True, text=True).stdout
        installed = {line.split()[1] for line in out.splitlines() if line.startswith("installed ")}
        self.assertEqual({one["name"] for one in bill()["components"] if one["purl"].startswith("pkg:deb")},
                         installed)


if __name__ == "__main__":
    unittest.main()
