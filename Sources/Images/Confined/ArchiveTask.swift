package import Host
import Diagnostics
import Storage
import SystemPackage

/// What a confined process does with archives: libarchive, liblzma, ISA-L and zlib run there.
package enum ArchiveTask {
    enum Request: Int {
        /// Finds the image in a packed file, which comes along.
        case find
        /// Says how much room it takes.
        case measure
        /// Unpacks it into the file that comes along.
        case unpack
        /// Says how a file that comes along is packed.
        case packing
        /// Reads members of an archive that comes along.
        case members
    }

    enum Question: Int {
        /// How far unpacking is. The answer is empty: go on.
        case progress
        /// Whether the caller wants the member of a name.
        case wanted
    }

    /// The confined process's side.
    package static func run(_ worker: ConfinedWorker) {
        var found: (source: ImageSource, image: ArchivedImage)?
        worker.run { (request: inout UnpackedValues, file: FileDescriptor?) throws(Failure) in
            let number = try request.number(Int.self)
            let path = FilePath(try request.text())
            var result = PackedValues()
            if number == Request.measure.rawValue {
                guard let found else { throw UnpackedValues.malformed }
                let measure = ImageMeasure(limit: try request.number(Int64.self))
                try decoding(found.source, found.image, nil, worker).run(to: measure)
                result.add(measure.stored)
                return result
            }
            guard let file, let kind = Request(rawValue: number) else { throw UnpackedValues.malformed }
            switch kind {
            case .measure: break
            case .find:
                let source = try ImageSource(ImageFile(adopting: file, at: path))
                let image = try ArchivedImage.find(in: source)
                found = (source, image)
                result.add(image.size ?? -1)
            case .unpack:
                guard let found else { throw UnpackedValues.malformed }
                let output = try GrowingFile(file, at: path, size: found.image.size)
                try unpack(found.source, found.image, to: output, worker)
                add(output.takeNews(), to: &result)
            case .packing:
                let packing = try ImageSource(ImageFile(adopting: file, at: path)).packingHere()
                result.add(packing.blocks ?? -1)
                result.add(packing.threads)
            case .members:
                let archive = try ImageFile(adopting: file, at: path)
                let members = try ArchiveMembers.readHere(
                    archive.bytes(at: 0, count: Int(archive.size)), name: path.string,
                    isCancelled: { isCancelled(worker) }
                ) { name in
                    var question = PackedValues()
                    question.add(Question.wanted.rawValue)
                    question.add(name)
                    return (try? worker.ask(question)) == [1]
                }
                result.add(members.count)
                for (name, contents) in members {
                    result.add(name)
                    result.add(contents)
                }
            }
            return result
        }
    }

    private static func unpack(
        _ source: ImageSource, _ image: ArchivedImage, to output: GrowingFile, _ worker: ConfinedWorker
    ) throws(Failure) {
        try Unpacking(decoding: decoding(source, image, output, worker), file: output).run()
    }

    /// Asks the caller now and then whether to go on, and says how far `output` has grown.
    private static func decoding(
        _ source: ImageSource, _ image: ArchivedImage, _ output: GrowingFile?, _ worker: ConfinedWorker
    ) -> Decoding {
        Decoding(
            source: source, image: image,
            progress: { (done) throws(Failure) in
                var question = PackedValues()
                question.add(Question.progress.rawValue)
                question.add(done)
                if let output { add(output.takeNews(), to: &question) }
                _ = try worker.ask(question)
            }, isCancelled: { false })
    }

    private static func isCancelled(_ worker: ConfinedWorker) -> Bool {
        var question = PackedValues()
        question.add(Question.progress.rawValue)
        return (try? worker.ask(question)) == nil
    }

    private static func add(_ news: (count: Int64, written: [Int]), to values: inout PackedValues) {
        values.add(news.count)
        values.add(news.written.count)
        for stretch in news.written { values.add(stretch) }
    }

    // MARK: The caller's side

    static func request(_ kind: Request, _ path: FilePath) -> PackedValues {
        var values = PackedValues()
        values.add(kind.rawValue)
        values.add(path.string)
        return values
    }

    /// Lets `file` grow as the confined process says that it has.
    static func grow(_ file: GrowingFile, by values: inout UnpackedValues) throws(Failure) {
        let count = try values.number(Int64.self)
        var written: [Int] = []
        for _ in 0..<(try values.count(ofAtLeast: 8)) { written.append(try values.number(Int.self)) }
        guard count >= 0 else { throw UnpackedValues.malformed }
        file.grow(to: count, written: written)
    }
}
