"""A real Prometheus that scrapes a run. Used by the tests beside this file."""
import json
import pathlib
import urllib.error
import urllib.parse

from small_run import Child, fetch, free_ports, until


class Prometheus(Child):
    """Scrapes what a folder of file_sd says, every second, and evaluates rules as often. `job`: what its
    scrape job says beside."""

    def __init__(self, folder, program, targets, rules, job=None):
        folder = pathlib.Path(folder)
        self.port = free_ports(1)
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
                  "rule_files": [str(rules)],
                  "scrape_configs": [{"job_name": "lodestone",
                                      "file_sd_configs":
                                      [{"files": [f"{targets}/*.json"], "refresh_interval": "1s"}],
                                      **(job or {})}]}
        (folder / "prometheus.yaml").write_text(json.dumps(config))
        super().__init__([program, f"--config.file={folder}/prometheus.yaml",
                          f"--storage.tsdb.path={folder}/tsdb",
                          f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=warn"],
                         folder / "prometheus.log")

    def ask(self, path, **parameters):
        """The `data` of an answer of its API; an AssertionError with its own words if it refuses."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            return json.loads(fetch(url))["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {json.loads(error.read())['error']}") from error

    def query(self, expression):
        """[(labels, value)] of an instant query."""
        return [(row["metric"], float(row["value"][1])) for row in self.ask("query", query=expression)[
            "result"]]

    def wait_until_up(self):
        def up():
            try:
                return fetch(f"http://127.0.0.1:{self.port}/-/ready")
            except (urllib.error.URLError, OSError):
                return False
        until(30, "Prometheus is ready", lambda: self.alive() and up())

    def firing(self):
        """Labels of the alerts that fire."""
        return [alert["labels"] for alert in self.ask("alerts")["alerts"] if alert["state"] == "firing"]
