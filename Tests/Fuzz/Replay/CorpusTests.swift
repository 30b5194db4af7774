import Foundation
import Testing

/// The inputs in Tests/Corpus, and deterministic mutations of them, for every parser of foreign bytes. `make fuzz` looks for
/// more (Tests/Fuzz/run). A trap ends the run: its backtrace names the target, and `Tests/Fuzz/run --replay` repeats an input.
@Suite struct CorpusTests {
    private static let directory = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Corpus")

    private static func corpus(_ name: String) throws -> [(name: String, bytes: [UInt8])] {
        try FileManager.default.contentsOfDirectory(
            at: directory.appending(path: name), includingPropertiesForKeys: nil
        )
        .sorted { $0.lastPathComponent < $1.lastPathComponent }
        .map { ($0.lastPathComponent, Array(try Data(contentsOf: $0))) }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func `every input of the corpus is read without harm`(_ name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let corpus = try Self.corpus(name)
        #expect(!corpus.isEmpty)
        for input in corpus { check(target, input.bytes, "Tests/Corpus/\(name)/\(input.name)") }
    }

    @Test(arguments: FuzzTarget.all.map(\.name))
    func `mutated inputs are read without harm`(_ name: String) throws {
        let target = try #require(FuzzTarget.named(name))
        let corpus = try Self.corpus(name).map(\.bytes)
        var mutator = Mutator(target)
        for number in 0..<target.mutations { check(target, mutator.next(corpus), "mutation \(number)") }
    }

    @Test func `every directory of the corpus has its target`() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: Self.directory.path()).sorted()
        #expect(names == FuzzTarget.all.map(\.name).sorted())
    }

    private func check(_ target: FuzzTarget, _ bytes: [UInt8], _ what: String) {
        do { try target.read(bytes) } catch {
            Issue.record("\(target.name), \(what): \(error): \(Data(bytes).base64EncodedString())")
        }
    }
}
