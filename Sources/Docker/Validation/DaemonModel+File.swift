package import Diagnostics
import Text

extension DaemonModel {
    /// What is wrong with the bytes of a daemon.json file, each with its place in the file.
    package func validate(_ bytes: [UInt8], file: String = "daemon.json") -> DiagnosticReport {
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
            validate(try JSONDocument(parsing: text, file: file), start, &report)
        } catch {
            report.error(at: error.place, "not valid JSON: \(error.text)")
        }
        return report
    }

    private func decoded(_ bytes: [UInt8], isOld: Bool, _ start: Location, _ report: inout DiagnosticReport) -> String?
    {
        // Unicode, 23.8: byte-order marks. dockerd looks at them since 23.0.
        let isUTF16 = bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF])
        let isMarked = bytes.starts(with: ByteOrderMark.utf8)
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

    private func validate(_ document: JSONDocument, _ start: Location, _ report: inout DiagnosticReport) {
        guard document.isObject else {
            report.error(at: start, "the file does not contain an object: write {\"key\": value, …}")
            return
        }
        if let trailing = document.trailing {
            let isOld = version.map { $0 < EngineVersion(23, 0) } ?? false
            if !isOld {
                report.error(
                    at: trailing.place, "text after the object: Docker does not start with it since 23.0")
            } else if trailing.holdsObject {
                report.error(at: trailing.place, "text after the object, which dockerd ignores")
            } else {
                report.warning(
                    at: trailing.place, "text after the object: Docker does not start with it since 23.0")
            }
        }
        let entries = document.entries
        for problem in problems(in: entries.map { .init($0.name, $0.value) }) {
            let place = problem.member.map { index in
                problem.part == .name ? entries[index].namePlace : entries[index].valuePlace
            }
            let text = problem.path.isEmpty ? problem.text : "\(problem.path): \(problem.text)"
            switch problem.severity {
            case .error: report.error(at: place ?? start, text)
            case .warning: report.warning(at: place ?? start, text)
            }
        }
    }
}
