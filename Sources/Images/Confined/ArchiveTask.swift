package import Host
import Diagnostics
import Storage
import SystemPackage

/// What a confined process does with archives: libarchive, liblzma, ISA-L and zlib run there.
package enum ArchiveTask {
    /// The confined process's side.
    package static func run(_ worker: ConfinedWorker) {
        var found: (source: ImageSource, image: ArchivedImage)?
        worker.run { (request: inout UnpackedValues, file: FileDescriptor?) throws(Failure) in
            guard let kind = ArchiveRequest(rawValue: try request.number(Int.self)) else {
                throw UnpackedValues.malformed
            }
            let path = FilePath(try request.text())
            var result = PackedValues()
            switch kind {
            case .find:
                let source = try ImageSource(ImageFile(adopting: given(file), at: path))
                let image = try ArchivedImage.find(in: source)
                found = (source, image)
                result.add(image.size ?? -1)
            case .measure:
                guard let found else { throw UnpackedValues.malformed }
                let measure = ImageMeasure(limit: try request.number(Int64.self))
                _ = try decoding(found.source, found.image, nil, worker).run(to: measure)
                result.add(measure.stored)
            case .unpack:
                guard let found else { throw UnpackedValues.malformed }
                let output = try GrowingFile(given(file), at: path, size: found.image.size)
                let metadata = try unpack(found.source, found.image, to: output, worker)
                output.addNews(to: &result)
                result.add(metadata)
            case .packing:
                let packing = try ImageSource(ImageFile(adopting: given(file), at: path)).packingHere()
                result.add(packing.blocks ?? -1)
                result.add(packing.threads)
            case .members:
                let archive = try ImageFile(adopting: given(file), at: path)
                let members = try ArchiveMembers.readHere(
                    archive.bytes(at: 0, count: Int(archive.size)), name: path.string,
                    isCancelled: { isCancelled(worker) }
                ) { name in
                    var question = PackedValues()
                    question.add(ArchiveRequest.Question.wanted.rawValue)
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

    /// The file that came along with a request that needs one.
    private static func given(_ file: FileDescriptor?) throws(Failure) -> FileDescriptor {
        guard let file else { throw UnpackedValues.malformed }
        return file
    }

    private static func unpack(
        _ source: ImageSource, _ image: ArchivedImage, to output: GrowingFile, _ worker: ConfinedWorker
    ) throws(Failure) -> Int64 {
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
                question.add(ArchiveRequest.Question.progress.rawValue)
                question.add(done)
                output?.addNews(to: &question)
                _ = try worker.ask(question)
            }, isCancelled: { false })
    }

    private static func isCancelled(_ worker: ConfinedWorker) -> Bool {
        var question = PackedValues()
        question.add(ArchiveRequest.Question.progress.rawValue)
        return (try? worker.ask(question)) == nil
    }
}
