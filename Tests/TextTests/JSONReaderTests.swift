import Diagnostics
import TestSupport
import Testing

@testable import Text

@Suite struct JSONReaderTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue(parsing: Array(text.utf8)) }

    @Test func `values, their order and their escapes are read`() throws {
        #expect(
            try parse(#" { "b" : [1, -2.5, 1e3, true, false, null, {}, []], "a":"\u00e9\ud83c\udf53\n\/\"\\" } "#)
                == .object([
                    .init(
                        "b",
                        .array([
                            .integer(1), .number(-2.5), .number(1000), .bool(true), .bool(false), .null, .object([]),
                            .array([]),
                        ])), .init("a", .string("é🍓\n/\"\\")),
                ]))
        #expect(try parse("") == .object([]))
        #expect(try parse("\u{FEFF}{}\n") == .object([]))
        #expect(try parse(#"{"a":1,"b":2,"a":3}"#) == .object([.init("a", .integer(3)), .init("b", .integer(2))]))
        #expect(try parse("9223372036854775808") == .number(9_223_372_036_854_775_808))
    }

    @Test(arguments: [
        "{", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "[1,]", "[1 2]", "{a:1}", "'a'", "01", "+1", "1.", ".5", "NaN", "tru",
        "\"a", "\"\u{1}\"", "\"\\x\"", "\"\\u12\"", "{} x", "\"\\u+123\"",
    ])
    func `what is not JSON is refused`(_ text: String) throws {
        #expect(throws: Failure.self) { try parse(text) }
        // Python's reader takes NaN besides.
        let judge = try OutsideTool("/usr/bin/python3").run(
            ["-c", "import json,sys; json.load(sys.stdin)"], input: Array(text.utf8))
        #expect(!judge.succeeded || text == "NaN")
    }

    @Test func `a number that is too large for a double is refused, as Go refuses it, and never becomes null`() throws {
        for text in ["1e400", "-1e400", "[1e309]", "1e4000"] { #expect(throws: Failure.self) { try parse(text) } }
        #expect(try parse("1e308") == .number(1e308))
        #expect(try parse("1e-4000") == .number(0))
    }

    @Test func `depth is bounded`() {
        #expect(throws: Failure.self) { try parse(String(repeating: "[", count: 100_000)) }
    }

    @Test func `what is written is read again`() throws {
        let value = JSONValue.object([
            .init("k\u{1}\"", .array([.string("\u{2028}\t"), .number(0.1), .integer(-7)])), .init("o", .object([])),
        ])
        #expect(try parse(value.prettyText) == value)
    }
}
