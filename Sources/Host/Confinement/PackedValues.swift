package import Diagnostics
import SystemPackage

/// Values in a row of bytes, for messages between processes of this program.
package struct PackedValues: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package mutating func add(_ number: some FixedWidthInteger) {
        let value = UInt64(truncatingIfNeeded: Int64(number))
        for shift in stride(from: 0, to: 64, by: 8) { bytes.append(UInt8(truncatingIfNeeded: value >> UInt64(shift))) }
    }

    package mutating func add(_ contents: [UInt8]) {
        add(contents.count)
        bytes += contents
    }

    package mutating func add(_ text: String) { add(Array(text.utf8)) }

    /// Nil and a value are told apart.
    package mutating func add(_ text: String?) {
        add(text == nil ? 0 : 1)
        if let text { add(text) }
    }

    package mutating func add(_ failure: Failure) {
        add(failure.code.rawValue)
        add(failure.severity.rawValue)
        add(failure.message)
        add(failure.hint)
        add((failure.cause as? Errno)?.rawValue ?? 0)
    }
}

/// Reads ``PackedValues``. The other process may have been taken over by what it read: no bytes trap, and a wrong one is a
/// failure.
package struct UnpackedValues {
    private var rest: ArraySlice<UInt8>

    package init(_ bytes: [UInt8]) { rest = bytes[...] }

    package var isAtEnd: Bool { rest.isEmpty }

    package mutating func number<Number: FixedWidthInteger>(_ type: Number.Type = Int.self) throws(Failure) -> Number {
        guard rest.count >= 8 else { throw Self.malformed }
        var value: UInt64 = 0
        for (place, byte) in rest.prefix(8).enumerated() { value |= UInt64(byte) << UInt64(place * 8) }
        rest = rest.dropFirst(8)
        guard let number = Number(exactly: Int64(bitPattern: value)) else { throw Self.malformed }
        return number
    }

    package mutating func contents() throws(Failure) -> [UInt8] {
        let count = try number(Int.self)
        guard count >= 0, count <= rest.count else { throw Self.malformed }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    package mutating func text() throws(Failure) -> String { String(decoding: try contents(), as: UTF8.self) }

    package mutating func optionalText() throws(Failure) -> String? { try number(Int.self) == 0 ? nil : text() }

    /// A number of things that follow. `least` is what each of them takes, in bytes: no more are believed than fit.
    package mutating func count(ofAtLeast least: Int) throws(Failure) -> Int {
        let count = try number(Int.self)
        guard count >= 0, count <= rest.count / least else { throw Self.malformed }
        return count
    }

    package mutating func failure() throws(Failure) -> Failure {
        let code = Failure.Code(try text())
        let severity = Failure.Severity(rawValue: try number(Int32.self)) ?? .failed
        let message = try text()
        let hint = try optionalText()
        let cause = try number(Int32.self)
        return Failure(code, severity: severity, message, hint: hint, cause: cause == 0 ? nil : Errno(rawValue: cause))
    }

    package static var malformed: Failure {
        Failure(.system, "the process that reads what strangers wrote gave an answer that makes no sense")
    }
}
