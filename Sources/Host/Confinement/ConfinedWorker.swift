package import Diagnostics
package import SystemPackage

/// The confined process's side of the work.
package final class ConfinedWorker: Sendable {
    private let channel: ConfinedChannel

    package init(_ channel: ConfinedChannel) { self.channel = channel }

    /// Answers requests until the caller closes the connection. `answer` gets each with the open file that came along,
    /// which is its own to close.
    package func run(_ answer: (inout UnpackedValues, FileDescriptor?) throws(Failure) -> PackedValues) {
        while let message = (try? channel.receive()) ?? nil, message.kind == .request {
            var request = UnpackedValues(message.bytes)
            do throws(Failure) {
                let result = try answer(&request, message.file)
                guard (try? channel.send(.result, result.bytes)) != nil else { return }
            } catch {
                var values = PackedValues()
                values.add(error)
                guard (try? channel.send(.failure, values.bytes)) != nil else { return }
            }
        }
    }

    /// Asks the caller while a request is being answered. Throws what the caller throws.
    package func ask(_ question: PackedValues) throws(Failure) -> [UInt8] {
        let answer: (kind: ConfinedChannel.Kind, bytes: [UInt8], file: FileDescriptor?)?
        do throws(Errno) {
            try channel.send(.question, question.bytes)
            answer = try channel.receive()
        } catch { throw .system("asking the process that this one works for", error) }
        guard let answer else { throw Failure(.cancelled, "the process that this one works for has ended") }
        try? answer.file?.close()
        switch answer.kind {
        case .answer: return answer.bytes
        case .refusal:
            var values = UnpackedValues(answer.bytes)
            throw try values.failure()
        default: throw UnpackedValues.malformed
        }
    }
}
