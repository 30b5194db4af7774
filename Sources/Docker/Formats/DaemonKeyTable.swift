/// docs/docker-daemon.md: dockerd's keys by version, made of ``DaemonKeys``.
package enum DaemonKeyTable {
    package static var markdown: String {
        var lines = [
            "# What `docker.daemon` may hold", "",
            "Made by `DaemonKeyTable`; a test holds it to the table that recipes are checked with.", "",
            "The keys are dockerd's own. A recipe is checked against the version of Docker that the image has: what that "
                + "version refuses,",
            "and what it takes and then ignores, is refused with the recipe's line. Where the image does not tell its "
                + "version, only what is",
            "wrong in every one is.", "",
            "Docker before 1.10 has no daemon.json; there the keys marked with a version in the column \"option\" become "
                + "options in",
            "DOCKER_OPTS of /etc/default/docker.", "", "| key | type | since | until before | option since |",
            "|---|---|---|---|---|",
        ]
        for key in DaemonKeys.all {
            let gone = [key.until.map { "\($0)" }, key.inertSince.map { "\($0) (ignored)" }].compactMap { $0 }
            let early = DaemonKeys.early[key.name].map { "\($0.since)" } ?? ""
            lines.append(
                "| `\(key.name)` | \(key.type) | \(key.since) | \(gone.joined(separator: ", ")) | \(early) |")
        }
        lines += [
            "", "## Log drivers", "", "| driver | since | until before | options |", "|---|---|---|---|",
        ]
        for driver in LogDrivers.all {
            let options = driver.options.map { "`\($0.name)`" }.joined(separator: " ")
            lines.append(
                "| `\(driver.name)` | \(driver.since) | \(driver.until.map { "\($0)" } ?? "") | \(options) |")
        }
        lines += [
            "", "All but `none` also take " + LogDrivers.general.map { "`\($0.name)`" }.joined(separator: " ") + ".",
            "",
            "A plugin goes by the name of its image or by its alias (`loki`), with a warning: without it no container starts,",
            "and with `log-opts` dockerd does not either.", "",
            "## Names that dockerd takes and ignores", "",
            "They are options of its command line, not keys of the file. piflash refuses them.", "", "| not | but |",
            "|---|---|",
        ]
        for (wrong, right) in DaemonKeys.ignored.sorted(by: { $0.key < $1.key }) {
            lines.append("| `\(wrong)` | `\(right)` |")
        }
        for name in DaemonKeys.proxies { lines.append("| `\(name)` | inside `proxies` (from 23.0 on) |") }
        return lines.map { $0 + "\n" }.joined()
    }
}
