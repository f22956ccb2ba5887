import FoundationEssentials
import Glibc

/// The files that come with the program: templates, static files, models, the demo.
public struct Share: Sendable {
    public let path: String

    /// Looks in `configured`, HONGYAN_SHARE, beside the program (installed), above it (built from source) and in /usr/share/hongyan.
    public static func find(configured: String?) throws -> Share {
        var places = [configured, ProcessInfo.processInfo.environment["HONGYAN_SHARE"]].compactMap { $0 }
        if places.isEmpty {
            let program = programFolder()
            places = ["\(program)/../share/hongyan", "/usr/share/hongyan"]
            var parts = program.split(separator: "/")
            while !parts.isEmpty {
                places.append("/" + parts.joined(separator: "/"))
                parts.removeLast()
            }
        }
        for place in places where FileManager.default.fileExists(atPath: "\(place)/templates/layouts") { return Share(path: place) }
        throw SettingsError.noShare(Array(places.prefix(3)))
    }

    func path(_ part: String) -> String { "\(path)/\(part)" }

    private static func programFolder() -> String {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count - 1)
        guard count > 0 else { return "/usr/bin" }
        let full = String(decoding: buffer.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return full.split(separator: "/").dropLast().reduce("") { $0 + "/" + $1 }
    }
}
