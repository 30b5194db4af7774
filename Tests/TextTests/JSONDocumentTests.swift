import Diagnostics
import Foundation
import TestSupport
import Testing
import Text

@Suite struct JSONDocumentTests {
    private func places(_ text: String) throws -> [String] {
        try JSONDocument(parsing: text, file: "f").entries.map { entry in
            "\(entry.name) \(entry.namePlace.line):\(entry.namePlace.column) "
                + "\(entry.valuePlace.line):\(entry.valuePlace.column)"
        }
    }

    @Test func `every member of the top level has its places, repeated ones too`() throws {
        #expect(
            try places("{\n  \"a\": 1,\r\n\t\"b\" : { \"c\": 2 }, \"a\":[3]\n}")
                == ["a 2:3 2:8", "b 3:2 3:8", "a 3:20 3:24"])
        #expect(try places("[1]").isEmpty)
        #expect(try !JSONDocument(parsing: "[1]", file: "f").isObject)
    }

    @Test func `columns count characters`() throws {
        #expect(try places("{\"é👨‍👩‍👧\": \"ü\", \"b\": 1}") == ["é👨‍👩‍👧 1:2 1:8", "b 1:13 1:18"])
    }

    @Test func `a quote ends a text, whatever accent follows`() throws {
        let text = "{\"a\": \"\u{301}x\", \"b\": 1}"
        #expect(
            try JSONDocument(parsing: text, file: "f").value
                == .object([.init("a", .string("\u{301}x")), .init("b", .integer(1))]))
    }

    @Test func `repeated names stay in the document, and the last one counts as a value`() throws {
        let text = #"{"a": 1, "o": {"x": 1, "y": 2, "x": 3}, "a": 2}"#
        #expect(
            try JSONDocument(parsing: text, file: "f").value
                == .object([
                    .init("a", .integer(1)),
                    .init("o", .object([.init("x", .integer(1)), .init("y", .integer(2)), .init("x", .integer(3))])),
                    .init("a", .integer(2)),
                ]))
        #expect(
            try JSONValue(parsing: Array(text.utf8))
                == .object([
                    .init("a", .integer(2)), .init("o", .object([.init("x", .integer(3)), .init("y", .integer(2))])),
                ]))
    }

    @Test func `what follows the value is reported with its place`() throws {
        let document = try JSONDocument(parsing: "{}\n x {", file: "f")
        #expect(document.trailing?.place == Location(file: "f", line: 2, column: 2))
        #expect(document.trailing?.holdsObject == true)
        #expect(try JSONDocument(parsing: "{} ]", file: "f").trailing?.holdsObject == false)
        #expect(try JSONDocument(parsing: "{}\n", file: "f").trailing == nil)
    }

    @Test(arguments: [
        ("", "1:1", "the text ends where a value is expected"), ("{\"a\": // x\n1}", "1:7", "JSON has no comments"),
        ("{\"a\" 1}", "1:6", "expected \":\", found \"1\""), ("{\"é\": é}", "1:7", "expected a value, found \"é\""),
        ("[1,\n 2", "2:3", "the text ends where \",\" or \"]\" is expected"),
        ("{\"a\": 1.}", "1:7", "\"1.\" is not a valid number"), ("[\"\\q\"]", "1:4", "not a valid escape"),
        ("[\"a", "1:4", "the text ends inside quotes"),
    ])
    func `a problem has its place and says what is expected`(_ text: String, _ place: String, _ message: String) {
        let problem = #expect(throws: JSONDocument.Problem.self) { try JSONDocument(parsing: text, file: "f") }
        #expect(problem?.place.description == "f:\(place)")
        #expect(problem?.text == message)
    }

    @Test func `a megabyte in one line is read at once`() throws {
        let members = (0..<40_000).map { "\"key \($0)\": [\($0), \"text\"]" }
        let document = try JSONDocument(parsing: "{" + members.joined(separator: ", ") + "}", file: "f")
        #expect(document.entries.count == 40_000)
        #expect(document.entries.last?.namePlace.line == 1)
    }

    /// Python's reader as an oracle, for texts that are JSON and for the same with a few bytes changed.
    @Test func `what is JSON, and what it means, is what Python says`() throws {
        var random = SplitMix64(seed: 5)
        var lines: [String] = []
        for round in 0..<3000 {
            var bytes = Array(Self.text(&random, depth: 0).utf8)
            if round % 3 != 0 {
                let changes = Array("{}[]\",:\\u0129.-+eE tfn\n\u{1}/#é".utf8)
                for _ in 0..<Int.random(in: 1...2, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    let byte = changes[Int.random(in: 0..<changes.count, using: &random)]
                    if Bool.random(using: &random) { bytes[index] = byte } else { bytes.insert(byte, at: index) }
                }
            }
            // An empty text is the one thing that piflash reads and Python does not.
            guard String(validating: bytes, as: UTF8.self) != nil, bytes.contains(where: { $0 > 0x20 }) else {
                continue
            }
            let own = (try? JSONValue(parsing: bytes)).map { Data($0.prettyText.utf8).base64EncodedString() } ?? "-"
            lines.append(Data(bytes).base64EncodedString() + " " + own)
        }
        let program = """
            import base64, json, sys
            def refuse(word): raise ValueError(word)
            def norm(value):
                # Half a surrogate pair is the replacement character; infinity has no word in JSON.
                text = json.dumps(value, ensure_ascii=False).replace("-Infinity", "null").replace("Infinity", "null")
                return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            for line in sys.stdin:
                text, own = line.split()
                text = base64.b64decode(text).decode()
                try: value = json.loads(text, parse_constant=refuse)
                except ValueError: accepted = False
                else: accepted = True
                if accepted != (own != "-"): print("accepted by Python: %s: %r" % (accepted, text))
                elif accepted:
                    read = json.loads(base64.b64decode(own))
                    if norm(read) != norm(value): print("differs: %r" % text)
            """
        let oracle = try OutsideTool("python3").run(["-c", program], input: Array(lines.joined(separator: "\n").utf8))
        #expect(oracle.succeeded, "\(oracle.errors)")
        #expect(oracle.text.isEmpty, "\(oracle.text.prefix(2000))")
        #expect(lines.count > 2000)
    }

    private static func text(_ random: inout SplitMix64, depth: Int) -> String {
        let blank = ["", " ", "\n", "\t "][Int.random(in: 0..<4, using: &random)]
        switch Int.random(in: (depth > 3 ? 2 : 0)..<9, using: &random) {
        case 0:
            let members = (0..<Int.random(in: 0..<4, using: &random)).map { _ in
                "\"\(["a", "b", "\\u0041", "ü"][Int.random(in: 0..<4, using: &random)])\"\(blank):"
                    + text(&random, depth: depth + 1)
            }
            return blank + "{" + members.joined(separator: "," + blank) + blank + "}"
        case 1:
            let items = (0..<Int.random(in: 0..<4, using: &random)).map { _ in text(&random, depth: depth + 1) }
            return blank + "[" + items.joined(separator: ",") + "]" + blank
        case 2: return "true"
        case 3: return "null"
        case 4: return "\(Int.random(in: -1000...1000, using: &random))"
        case 5: return ["0.5", "-1.25e2", "1E3", "0", "-0.125"][Int.random(in: 0..<5, using: &random)]
        case 6: return "\"\\ud83c\\udf53 \\n\\\\ \\/ é\""
        case 7: return "\"e\u{301}🍓\""
        default: return "\"\""
        }
    }
}
