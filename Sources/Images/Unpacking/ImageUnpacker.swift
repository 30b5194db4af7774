import Diagnostics
import Host
import Storage
import SystemPackage

/// Finds the image in a packed file and unpacks it: in this process, or in a confined one.
struct ImageUnpacker {
    /// In bytes, if the source says so before it is unpacked.
    let size: Int64?
    private let source: ImageSource
    private let work: Work

    private enum Work {
        case here(ArchivedImage)
        case confined(ConfinedProcess)
    }

    /// Throws as ``ArchivedImage/find(in:)``.
    init(_ source: ImageSource) throws(Failure) {
        self.source = source
        guard Confinement.isUsed else {
            let image = try ArchivedImage.find(in: source)
            size = image.size
            work = .here(image)
            return
        }
        let process = try ConfinedProcess(.archive)
        var result = try process.call(
            ArchiveRequest.find.values(source.path), passing: source.file.descriptor)
        let size = try result.number(Int64.self)
        self.size = size < 0 ? nil : size
        work = .confined(process)
    }

    /// How much room the image takes, in bytes without holes. Throws `.cacheFull` if that is more than `limit`.
    func measure(limit: Int64, isCancelled: @escaping () -> Bool) throws(Failure) -> Int64 {
        switch work {
        case .here(let image):
            let measure = ImageMeasure(limit: limit)
            _ = try Decoding(
                source: source, image: image, progress: { (_) throws(Failure) in }, isCancelled: isCancelled
            ).run(to: measure)
            return measure.stored
        case .confined(let process):
            var request = ArchiveRequest.measure.values(source.path)
            request.add(limit)
            var result = try process.call(request) { (_) throws(Failure) in
                if isCancelled() { throw Failure.stopped("while unpacking \(source.path)") }
                return []
            }
            return try result.number(Int64.self)
        }
    }

    /// Unpacks the image into `file`. The file then has all bytes, but is not complete yet: the caller says so. Returns how
    /// many bytes of the vendor's own follow the compressed image: no card gets them.
    ///
    /// - Parameters:
    ///   - progress: Called now and then with how many bytes of the source are done. If it throws, the work ends.
    ///   - isCancelled: Asked more often.
    func run(
        to file: GrowingFile, progress: @escaping (Int64) throws(Failure) -> Void, isCancelled: @escaping () -> Bool
    ) throws(Failure) -> Int64 {
        switch work {
        case .here(let image):
            let decoding = Decoding(source: source, image: image, progress: progress, isCancelled: isCancelled)
            return try Unpacking(decoding: decoding, file: file).run()
        case .confined(let process):
            var result = try process.call(
                ArchiveRequest.unpack.values(file.path), passing: file.descriptor
            ) { (question) throws(Failure) in
                var values = UnpackedValues(question)
                guard try values.number(Int.self) == ArchiveRequest.Question.progress.rawValue else {
                    throw UnpackedValues.malformed
                }
                let done = try values.number(Int64.self)
                try file.grow(by: &values)
                if isCancelled() { throw Failure.stopped("while unpacking \(source.path)") }
                try progress(done)
                return []
            }
            try file.grow(by: &result)
            return try result.number(Int64.self)
        }
    }
}
