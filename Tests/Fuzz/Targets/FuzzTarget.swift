import Diagnostics

/// One parser of foreign bytes, as libFuzzer (`make fuzz`) and the replay of its corpus (`make test`) call it.
struct FuzzTarget: Sendable {
    /// Its corpus is Tests/Corpus/NAME.
    let name: String
    /// In bytes: longer inputs find nothing more.
    let limit: Int
    /// What the format obeys: both mutators put these into their inputs.
    let words: [String]
    /// How many mutations `make test` reads: fewer where each takes a millisecond and more.
    let mutations: Int
    /// Reads the bytes. It traps, or throws a ``BrokenProperty``, if something is wrong with the program; what the program
    /// says about the bytes it ignores.
    let read: @Sendable ([UInt8]) throws -> Void

    init(
        _ name: String, limit: Int = 4096, mutations: Int = 120, words: [String] = [],
        _ read: @escaping @Sendable ([UInt8]) throws -> Void
    ) {
        self.name = name
        self.limit = limit
        self.mutations = mutations
        self.words = words
        self.read = read
    }

    static let all: [FuzzTarget] =
        [disks, archives, systems, recipes, racks, nodes, texts, messages, templates].flatMap(\.self)

    static func named(_ name: String) -> FuzzTarget? { all.first { $0.name == name } }
}

/// What holds for every input, and not for this one.
struct BrokenProperty: Error, CustomStringConvertible {
    let description: String
}

func require(_ condition: Bool, _ text: @autoclosure () -> String) throws {
    guard condition else { throw BrokenProperty(description: text()) }
}

/// Runs `body`. A failure is the program's answer to bad bytes: nil. A broken property goes on to the caller.
func answer<Value>(_ body: () throws -> Value) throws -> Value? {
    do { return try body() } catch let failure as Failure {
        _ = "\(failure.message) \(failure.hint ?? "")"
        return nil
    } catch let report as DiagnosticReport {
        _ = report.description
        return nil
    }
}

/// What is shown in one line must hold no character that a terminal obeys.
func requirePrintable(_ text: String?, _ what: String) throws {
    let bad = text?.unicodeScalars.first { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    if let bad { throw BrokenProperty(description: "\(what) holds U+\(String(bad.value, radix: 16))") }
}
