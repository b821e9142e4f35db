//! The program `sharded-kv`.

fn main() -> std::process::ExitCode {
    sharded_kv::main()
}
