import Diagnostics
import Storage

/// Where the bytes of an image go, in order.
protocol ImageOutput: DecoderOutput {
    /// How many bytes have been written.
    var count: Int64 { get }
    /// The first ``ImageSource/headSize`` bytes, or as many as have been written.
    var head: [UInt8] { get }
}

extension ImageOutput {
    func append(_ bytes: UnsafeRawBufferPointer) throws(Failure) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let space = try space()
            let part = rest.prefix(space.count)
            space.copyMemory(from: UnsafeRawBufferPointer(rebasing: part))
            advance(by: part.count)
            rest = rest.dropFirst(part.count)
        }
    }

    /// Writes zeros up to `offset`: an archive may leave out holes.
    func skip(to offset: Int64) throws(Failure) {
        while count < offset {
            let space = try space()
            let part = UnsafeMutableRawBufferPointer(
                rebasing: space.prefix(Int(min(Int64(space.count), offset - count))))
            part.fillWithZeros()
            advance(by: part.count)
        }
    }
}

/// Decodes an image from its beginning to its end, on the calling thread.
struct Decoding {
    let source: ImageSource
    let image: ArchivedImage
    /// Called now and then with how many bytes of the source are done. If it throws, the work ends.
    let progress: (Int64) throws(Failure) -> Void
    let isCancelled: () -> Bool

    /// Decodes all of the image, and throws early if it is not one. Returns how many bytes of the vendor's own follow it.
    func run(to output: some ImageOutput) throws(Failure) -> Int64 {
        let metadata = try decode(to: output)
        try Self.checkHead(output.head, of: source)
        return metadata
    }

    private func decode(to output: some ImageOutput) throws(Failure) -> Int64 {
        var steps = Steps(self, output)
        let wanted: Int
        let wantsEntry: Bool
        switch image.place {
        case .stream where source.format == .gzip:
            return try GzipFile(source).unpack(to: output, with: FastestInflater.self) { (done) throws(Failure) in
                try steps.step(done)
            }
        case .deflated(let data):
            try data.unpack(from: source, to: output, with: FastestInflater.self) { (done) throws(Failure) in
                try steps.step(done)
            }
            return 0
        case .entry(let entry): (wanted, wantsEntry) = (entry.index, true)
        case .stream: (wanted, wantsEntry) = (0, false)
        }
        var reader = try ArchiveReader(source, members: wantsEntry)
        var isFound = false
        while let next = try reader.next() {
            guard next.index == wanted else { continue }
            isFound = true
            do {
                try reader.forEachBlock { block, offset, consumed in
                    try output.skip(to: offset)
                    try output.append(block)
                    try steps.step(consumed)
                }
                // A tar archive is read to its end: damage behind the image means that the image may be damaged, too.
                if source.format.hasEntries { break }
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(.system, "unpacking \(source.path): \(error)")
            }
        }
        if isFound { try reader.checkEnd(of: source) }
        return 0
    }

    var cancelled: Failure { .stopped("while unpacking \(source.path)") }

    /// Called early, so that a compressed film is not unpacked to its end before it is refused.
    static func checkHead(_ head: [UInt8], of source: ImageSource) throws(Failure) {
        guard !head.isEmpty, !ImageSource.isDiskStart(head) else { return }
        throw Failure(
            .notAnImage, "\(source.path) contains no disk image: \(ImageSource.describe(head))",
            hint: "name the image that the vendor publishes")
    }
}

/// The work after each step of a decoder that goes from the beginning to the end.
private struct Steps<Output: ImageOutput> {
    /// In unpacked bytes, between two progress reports.
    private static var interval: Int64 { 8 << 20 }

    private let decoding: Decoding
    private let output: Output
    private var reported: Int64 = 0
    private var isChecked = false

    init(_ decoding: Decoding, _ output: Output) {
        self.decoding = decoding
        self.output = output
    }

    /// `done` bytes of the source have been read.
    mutating func step(_ done: Int64) throws(Failure) {
        if decoding.isCancelled() { throw decoding.cancelled }
        if !isChecked, output.head.count == ImageSource.headSize {
            isChecked = true
            try Decoding.checkHead(output.head, of: decoding.source)
        }
        guard output.count - reported >= Self.interval else { return }
        reported = output.count
        try decoding.progress(done)
    }
}
