package import Diagnostics
package import SystemPackage

#if canImport(Glibc)
    import Glibc
#endif

/// A confined process, as its caller sees it (``Confinement``). It ends with its owner. One thread uses it.
package final class ConfinedProcess {
    /// What confined processes read: the second argument of each.
    package enum Task: String, Sendable, CaseIterable {
        /// Partition tables and file systems.
        case filesystem
        /// Packed images, and archives that a card carries.
        case archive
    }

    private let channel: ConfinedChannel
    private let process: pid_t
    private let task: Task

    package init(_ task: Task) throws(Failure) {
        do throws(Errno) {
            let (own, other) = try PacketSocket.pair()
            process = try OwnProgram.start(
                [Confinement.argument, task.rawValue], environment: [], input: other.descriptor)
            channel = ConfinedChannel(own)
        } catch {
            throw .system(
                "starting a process that reads it without rights", error, hint: "piflash needs /proc for that")
        }
        self.task = task
    }

    /// It may be busy with an endless archive, or not answer at all.
    deinit {
        kill(process, SIGKILL)
        while waitpid(process, nil, 0) < 0, errno == EINTR {}
    }

    /// Sends a request and returns its result.
    ///
    /// - Parameter answering: Answers the questions of the confined process. What it throws is passed to that process, which
    ///   then ends what it was doing.
    package func call(
        _ request: PackedValues, passing file: FileDescriptor? = nil,
        answering: ([UInt8]) throws(Failure) -> [UInt8] = { _ throws(Failure) in throw UnpackedValues.malformed }
    ) throws(Failure) -> UnpackedValues {
        let outcome: Result<UnpackedValues, Failure>
        do throws(Errno) {
            outcome = try converse(request, passing: file, answering: answering)
        } catch {
            outcome = .failure(ended)
        }
        return try outcome.get()
    }

    private func converse(
        _ request: PackedValues, passing file: FileDescriptor?, answering: ([UInt8]) throws(Failure) -> [UInt8]
    ) throws(Errno) -> Result<UnpackedValues, Failure> {
        try channel.send(.request, request.bytes, passing: file)
        while let message = try channel.receive() {
            try? message.file?.close()
            switch message.kind {
            case .result: return .success(UnpackedValues(message.bytes))
            case .failure:
                var values = UnpackedValues(message.bytes)
                return .failure((try? values.failure()) ?? UnpackedValues.malformed)
            case .question:
                var refusal = PackedValues()
                let answer: [UInt8]?
                do throws(Failure) { answer = try answering(message.bytes) } catch {
                    refusal.add(error)
                    answer = nil
                }
                if let answer {
                    try channel.send(.answer, answer)
                } else {
                    try channel.send(.refusal, refusal.bytes)
                }
            case .request, .answer, .refusal: return .failure(UnpackedValues.malformed)
            }
        }
        return .failure(ended)
    }

    private var ended: Failure {
        Failure(
            .readerEnded, "the process that reads it without rights ended before it was done",
            hint: "it is damaged in a way that a library does not survive, or made to do harm: use another one")
    }
}

extension Failure.Code {
    /// A confined process crashed or was ended.
    package static let readerEnded = Failure.Code("host.reader-ended")
}
