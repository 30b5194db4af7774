package import Text
package import Diagnostics

/// dockerd as a judge of its configuration: what a version refuses, and what it takes and then ignores.
package struct DaemonModel: Sendable {
    /// Nil where it is not known: then only what is wrong for every version still plausible is found.
    package var version: EngineVersion?
    /// Nil for what the packages' own services say.
    package var service: ServiceFlags?
    package var surroundings: DaemonSurroundings

    package init(
        version: EngineVersion?, service: ServiceFlags? = nil, surroundings: DaemonSurroundings = DaemonSurroundings()
    ) {
        self.version = version
        self.service = service
        self.surroundings = surroundings
    }

    /// The findings on the members of a daemon.json, or on the keys of a recipe.
    package func judge(_ members: [JSONValue.Member]) -> [DaemonFinding] {
        if let version { return findings(members, version) }
        // The reasons may differ by version; the newest one's stand.
        let all = EngineVersion.plausible.map { findings(members, $0) }
        return (all.last ?? []).filter { finding in
            all.allSatisfy { found in
                found.contains { $0.member == finding.member && $0.severity == finding.severity }
            }
        }
    }

    private func findings(_ members: [JSONValue.Member], _ version: EngineVersion) -> [DaemonFinding] {
        DaemonJudge(
            members, version: version, service: service ?? .packaged(version), surroundings: surroundings
        ).findings
    }

    /// Judges the bytes of a daemon.json file, with the places of what is wrong.
    package func judge(text bytes: [UInt8], file: String = "daemon.json") -> DiagnosticReport {
        var report = DiagnosticReport()
        let start = Location(file: file, line: 1, column: 1)
        let isOld = version.map { $0 < EngineVersion(23, 0) } ?? true
        guard let text = decoded(bytes, isOld: isOld, start, &report) else { return report }
        guard text.contains(where: { !$0.isWhitespace }) else {
            if isOld {
                report.error(at: start, "the file is empty, and Docker before 23.0 does not start with it: write {}")
            }
            return report
        }
        do throws(JSONDocument.Problem) {
            judge(try JSONDocument(text, file: file), start, &report)
        } catch {
            report.error(at: error.place, "no JSON: \(error.text)")
        }
        return report
    }

    /// Judges the text of a daemon.json file.
    package func judge(text: String, file: String = "daemon.json") -> DiagnosticReport {
        judge(text: Array(text.utf8), file: file)
    }

    private func decoded(_ bytes: [UInt8], isOld: Bool, _ start: Location, _ report: inout DiagnosticReport) -> String?
    {
        // Unicode, 23.8: byte-order marks. dockerd looks at them since 23.0.
        let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])
        if isMarked || isUTF16 {
            let text = "the file begins with a byte-order mark"
            if isOld {
                report.error(at: start, text + ", and Docker before 23.0 does not start with it: save it without")
            } else {
                report.warning(at: start, text + "; Docker before 23.0 does not start with one")
            }
        }
        if isUTF16 {
            let isBig = bytes[0] == 0xFE
            var units: [UInt16] = []
            for index in stride(from: 2, to: bytes.count - 1, by: 2) {
                let (first, second) = (UInt16(bytes[index]), UInt16(bytes[index + 1]))
                units.append(isBig ? first << 8 | second : second << 8 | first)
            }
            return isOld ? nil : String(decoding: units, as: UTF16.self)
        }
        guard let text = String(validating: bytes.dropFirst(isMarked ? 3 : 0), as: UTF8.self) else {
            report.error(at: start, "the file is not in UTF-8")
            return nil
        }
        return text
    }

    private func judge(_ document: JSONDocument, _ start: Location, _ report: inout DiagnosticReport) {
        guard document.isObject else {
            report.error(at: start, "the file holds no object: write {\"key\": value, …}")
            return
        }
        if let trailing = document.trailing {
            let isOld = version.map { $0 < EngineVersion(23, 0) } ?? false
            if !isOld {
                report.error(
                    at: trailing.place, "text behind the object: Docker does not start with it since 23.0")
            } else if trailing.holdsObject {
                report.error(at: trailing.place, "text behind the object, which dockerd ignores")
            } else {
                report.warning(
                    at: trailing.place, "text behind the object: Docker does not start with it since 23.0")
            }
        }
        let entries = document.entries
        for finding in judge(entries.map { .init($0.name, $0.value) }) {
            let place = finding.member.map { index in
                finding.part == .name ? entries[index].namePlace : entries[index].valuePlace
            }
            let text = finding.path.isEmpty ? finding.text : "\(finding.path): \(finding.text)"
            switch finding.severity {
            case .error: report.error(at: place ?? start, text)
            case .warning: report.warning(at: place ?? start, text)
            }
        }
    }
}
