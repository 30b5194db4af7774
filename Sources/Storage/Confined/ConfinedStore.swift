package import Diagnostics
package import Host

/// A store of the caller's, as its confined process sees it: each read and write is a question. That process needs no
/// open file, and cannot reach beyond the store.
package final class ConfinedStore: WritableBlockStore {
    /// In bytes: larger reads and writes become several questions.
    private static let part = 1 << 20

    package let size: Int64
    package let name: String
    private let worker: ConfinedWorker

    package init(size: Int64, name: String, worker: ConfinedWorker) {
        self.size = size
        self.name = name
        self.worker = worker
    }

    package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: buffer.count)
        var done = 0
        while done < buffer.count {
            let count = min(Self.part, buffer.count - done)
            let bytes = try ask(.read) {
                $0.add(offset + Int64(done))
                $0.add(count)
            }
            guard bytes.count == count else { throw UnpackedValues.malformed }
            UnsafeMutableRawBufferPointer(rebasing: buffer[done..<done + count]).copyBytes(from: bytes)
            done += count
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int64) throws(Failure) {
        try checkBounds(offset: offset, count: bytes.count)
        var done = 0
        while done < bytes.count {
            let count = min(Self.part, bytes.count - done)
            _ = try ask(.write) {
                $0.add(offset + Int64(done))
                $0.add(Array(bytes[done..<done + count]))
            }
            done += count
        }
    }

    package func synchronize() throws(Failure) { _ = try ask(.synchronize) { _ in } }

    private func ask(_ kind: Question, _ describe: (inout PackedValues) -> Void) throws(Failure) -> [UInt8] {
        var question = PackedValues()
        question.add(kind.rawValue)
        describe(&question)
        return try worker.ask(question)
    }

    private enum Question: Int { case read, write, synchronize }

    /// The caller's side: answers a question about `store`, and about `target` if it may be written.
    package static func answer(
        _ question: [UInt8], from store: any BlockStore, to target: (any WritableBlockStore)? = nil
    ) throws(Failure) -> [UInt8] {
        var values = UnpackedValues(question)
        guard let question = Question(rawValue: try values.number(Int.self)) else { throw UnpackedValues.malformed }
        switch question {
        case .read:
            let offset = try values.number(Int64.self)
            let count = try values.number(Int.self)
            guard (0...part).contains(count) else { throw UnpackedValues.malformed }
            return try store.bytes(at: offset, count: count)
        case .write:
            guard let target else { throw UnpackedValues.malformed }
            let offset = try values.number(Int64.self)
            try target.write(try values.contents(), at: offset)
        case .synchronize:
            guard let target else { throw UnpackedValues.malformed }
            try target.synchronize()
        }
        return []
    }
}
