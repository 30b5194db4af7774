import Systems
import Filesystems
import Planning
import Images

/// What `piflash image info --json` prints (docs/image-info.md), with names in snake case. Unknown members are left
/// out.
struct ImageInfoObject: Encodable {
    let file: String
    let imageSha256: String?
    let packing: Packing?
    let size: Int64
    let partitions: [Partition]
    let system: System?
    let flavour: String
    let flavourTitle: String
    let configuredBy: String
    let mechanismProblem: String?
    let release: String?
    let `init`: Init?
    let network: String?
    let docker: Docker?
    let cloudInit: String?
    let architecture: String?
    let bootMountPoint: String
    let hasBooted: Bool?
    let root: Root
    let bootProblems: [String]?

    struct Packing: Encodable {
        let format: String
        let blocks: Int?
    }

    struct Partition: Encodable {
        let number: Int
        let type: String
        let start: Int64
        let size: Int64
        let label: String?
        let filesystem: String?
        let filesystemVersion: String?
    }

    struct System: Encodable {
        let id: String
        let versionId: String?
        let codename: String?
        let prettyName: String?
    }

    struct Init: Encodable {
        let kind: String
        let version: String?
    }

    struct Docker: Encodable {
        let version: String
        let package: String?
        let service: Service?
    }

    struct Service: Encodable {
        let kind: String
        let path: String
        let command: String?
        let takesDockerOpts: Bool
    }

    struct Root: Encodable {
        let partition: Int?
        let isReadable: Bool
        let isEditable: Bool
        let obstacle: String?
    }

    init(file: String, _ reading: InspectedImage) {
        let profile = reading.profile
        self.file = file
        imageSha256 = reading.digest
        packing = reading.packing.map { Packing(format: $0.format.rawValue, blocks: $0.blocks) }
        size = reading.size
        partitions = reading.table.partitions.map { partition in
            Partition(
                number: partition.number, type: partition.type, start: partition.range.lowerBound,
                size: Int64(partition.range.count), label: partition.filesystem?.label,
                filesystem: partition.filesystem?.type, filesystemVersion: partition.filesystem?.fatVersion)
        }
        system = profile.system.map {
            System(id: $0.id, versionId: $0.versionID, codename: $0.codename, prettyName: $0.prettyName)
        }
        flavour = profile.flavour.rawValue
        flavourTitle = profile.flavour.title
        configuredBy = profile.flavour.mechanism
        mechanismProblem = profile.mechanismProblem
        release = profile.release
        `init` = profile.initSystem.map { Init(kind: $0.kind.rawValue, version: $0.version) }
        network = profile.network?.rawValue
        docker = profile.docker.map {
            Docker(version: $0.version, package: $0.package, service: $0.service.map(Service.init))
        }
        cloudInit = profile.cloudInitVersion
        architecture = profile.architecture
        bootMountPoint = profile.bootMountPoint
        hasBooted = profile.hasBooted
        root = Root(
            partition: reading.root.partition?.number, isReadable: reading.root.snapshot != nil,
            isEditable: reading.root.snapshot != nil && reading.root.problem == nil, obstacle: reading.root.problem)
        bootProblems = reading.bootProblems.isEmpty ? nil : reading.bootProblems
    }
}

extension ImageInfoObject.Service {
    fileprivate init(_ service: OSProfile.Docker.Service) {
        switch service {
        case .unit(let path, let command, let takesOptions):
            self.init(kind: "unit", path: path, command: command, takesDockerOpts: takesOptions)
        case .script(let path): self.init(kind: "script", path: path, command: nil, takesDockerOpts: true)
        }
    }
}
