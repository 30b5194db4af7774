import Diagnostics
import Storage

/// Unpacks an image into a file.
///
/// The calling thread decodes, a second one writes (``StreamWriter``), and a third one hashes the file
/// (``GrowingFile/digest()``). An .xz of several blocks is decoded by several threads, which also write (``XZBlocks``).
struct Unpacking {
    let source: ImageSource
    let image: ArchivedImage
    let file: GrowingFile
    /// Called now and then with how many bytes of the source are done. If it throws, the work ends.
    let progress: (Int64) throws(Failure) -> Void
    let isCancelled: () -> Bool

    /// Unpacks the whole image. The file then has all bytes, but is not complete yet: the caller says so.
    func run() throws(Failure) {
        if source.format == .xz, let blocks = try XZBlocks(source) { return try unpack(blocks) }
        let writer = try StreamWriter(to: file)
        do throws(Failure) {
            try decode(to: writer)
            try Self.checkHead(writer.head, of: source)
            try writer.finish()
        } catch {
            writer.stop()
            throw error
        }
    }

    private func decode(to writer: StreamWriter) throws(Failure) {
        var steps = Steps(self, writer)
        let wanted: Int
        switch image.place {
        case .stream where source.format == .gzip:
            try GzipFile(source).unpack(to: writer, with: FastestInflater.self) { (done) throws(Failure) in
                try steps.step(done)
            }
            return
        case .deflated(let data):
            try data.unpack(from: source, to: writer, with: FastestInflater.self) { (done) throws(Failure) in
                try steps.step(done)
            }
            return
        case .entry(let entry): wanted = entry.index
        case .stream: wanted = 0
        }
        var reader = try ArchiveReader(source)
        while let next = try reader.next() {
            guard next.index == wanted else { continue }
            do {
                try reader.forEachBlock { block, offset, consumed in
                    try writer.skip(to: offset)
                    try writer.append(block)
                    try steps.step(consumed)
                }
                try reader.checkEnd(of: source)
            } catch let failure as Failure {
                throw failure
            } catch {
                throw Failure(.system, "unpacking \(source.path): \(error)")
            }
            break
        }
    }

    private func unpack(_ blocks: XZBlocks) throws(Failure) {
        var isChecked = false
        func check() throws(Failure) {
            isChecked = true
            let count = Int(min(file.count, Int64(StreamWriter.headSize)))
            let head = AlignedBuffer(count: count)
            defer { withExtendedLifetime(head) {} }
            try file.read(into: head.bytes, at: 0)
            try Self.checkHead(Array(head.bytes.prefix(count)), of: source)
        }
        try blocks.unpack(to: file) { (done) throws(Failure) in
            if isCancelled() { throw cancelled }
            if !isChecked, file.count >= StreamWriter.headSize { try check() }
            try progress(done)
        }
        if !isChecked { try check() }
    }

    fileprivate var cancelled: Failure { Failure(.cancelled, "stopped while unpacking \(source.path)") }

    /// Called early, so that a compressed film is not unpacked to its end before it is refused.
    static func checkHead(_ head: [UInt8], of source: ImageSource) throws(Failure) {
        guard !head.isEmpty, !ImageSource.isDiskStart(head) else { return }
        throw Failure(
            .notAnImage, "\(source.path) contains no disk image: \(ImageSource.describe(head))",
            hint: "name the image that the vendor publishes")
    }
}

/// The work after each step of a decoder that goes from the beginning to the end.
private struct Steps {
    /// In unpacked bytes, between two progress reports.
    private static let interval: Int64 = 8 << 20

    private let unpacking: Unpacking
    private let writer: StreamWriter
    private var reported: Int64 = 0
    private var isChecked = false

    init(_ unpacking: Unpacking, _ writer: StreamWriter) {
        self.unpacking = unpacking
        self.writer = writer
    }

    /// `done` bytes of the source have been read.
    mutating func step(_ done: Int64) throws(Failure) {
        if unpacking.isCancelled() { throw unpacking.cancelled }
        if !isChecked, writer.head.count == StreamWriter.headSize {
            isChecked = true
            try Unpacking.checkHead(writer.head, of: unpacking.source)
        }
        guard writer.count - reported >= Self.interval else { return }
        reported = writer.count
        try unpacking.progress(done)
    }
}
