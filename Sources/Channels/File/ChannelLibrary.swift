import FoundationEssentials
public import Rules

/// The channel files of a folder, with their samples beside them.
public struct ChannelLibrary: Sendable {
    public static let fileBytesMax = 256 << 10
    public static let sampleBytesMax = 16 << 20

    public var files: [ChannelFile] = []
    /// Files that cannot be read, with what to write instead.
    public var errors: [RuleError] = []
    private let folder: String

    /// Reads every `*.yaml` of a folder, in the order of their names.
    public init(folder: String) throws(LibraryError) {
        self.folder = folder
        let names: [String]
        do { names = try FileManager.default.contentsOfDirectory(atPath: folder) } catch {
            throw LibraryError(description: "cannot read the folder \(folder); check that it exists and may be read")
        }
        for name in names.sorted() where name.hasSuffix(".yaml") {
            do { files.append(try Self.read("\(folder)/\(name)")) } catch { errors.append(error) }
        }
    }

    public subscript(name: String) -> ChannelFile? { files.first { $0.name == name } }

    public static func read(_ path: String) throws(RuleError) -> ChannelFile {
        guard let bytes = FileManager.default.contents(atPath: path) else {
            throw RuleError(file: path, line: 1, column: 1, problem: "the file cannot be read; check that it exists and may be read")
        }
        guard bytes.count <= fileBytesMax else {
            throw RuleError(file: path, line: 1, column: 1, problem: "the file has more than \(fileBytesMax) bytes")
        }
        return try ChannelFile.read(String(decoding: bytes, as: UTF8.self), file: path)
    }

    /// The recorded samples of a channel, by their file names.
    public func samples(of name: String) throws(LibraryError) -> [ChannelSample] {
        let place = "\(folder)/samples/\(name)"
        let names = ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).filter { $0.hasSuffix(".json") }.sorted()
        var samples: [ChannelSample] = []
        for file in names {
            guard let bytes = FileManager.default.contents(atPath: "\(place)/\(file)"), bytes.count <= Self.sampleBytesMax else {
                throw LibraryError(description: "cannot read \(place)/\(file)")
            }
            do { samples.append(try ChannelSample(name: String(file.dropLast(5)), bytes: Array(bytes))) } catch {
                throw LibraryError(description: "\(place)/\(file): \(error)")
            }
        }
        return samples
    }
}

public struct LibraryError: Error, Hashable, CustomStringConvertible {
    public var description: String
    public init(description: String) { self.description = description }
}
