//! Shards that come and go, without a network.

use super::*;

fn configuration(number: u64, owner: GroupId) -> Configuration {
    let groups = [1, 2].map(|group| (group, vec![format!("{group}-0")])).into();
    Configuration { number, shards: [Some(owner); SHARDS], groups }
}

fn append(number: u64) -> Command {
    let (id, key) = (RequestId { client: 1, number }, "a".to_owned());
    Command::Write { id, key, write: Write::Append(format!("{number} ")) }
}

fn transfer(configuration: u64) -> Transfer {
    Transfer { configuration, shard: shard_of("a") }
}

fn value(store: &ShardedStore) -> Option<&str> {
    store.served("a").map(|shard| shard.values.get("a").map_or("", String::as_str))
}

#[test]
fn a_shard_moves_with_its_sessions_and_is_served_by_one_group() {
    let (mut one, mut two) = (ShardedStore::new(1), ShardedStore::new(2));
    assert_eq!(one.apply(append(1)), Answer::WrongGroup, "nothing is owned");
    for store in [&mut one, &mut two] {
        store.apply(Command::Configure(configuration(1, 1)));
    }
    assert_eq!(one.apply(append(1)), Answer::Done);
    one.apply(Command::Configure(configuration(3, 2)));
    assert_eq!(value(&one), Some("1 "), "a configuration that is not the next is ignored");
    for store in [&mut one, &mut two] {
        store.apply(Command::Configure(configuration(2, 2)));
        assert_eq!(store.apply(append(2)), Answer::WrongGroup);
    }
    two.apply(Command::Configure(configuration(3, 1)));
    assert!(two.work().any(|work| work == Work::Fetch(transfer(2), vec!["1-0".to_owned()])));
    let copy = one.kept[&transfer(2)].clone();
    for _ in 0..2 {
        two.apply(Command::Install(transfer(2), copy.clone()));
        two.apply(append(1));
        two.apply(append(2));
        assert_eq!(value(&two), Some("1 2 "), "installed once, with its sessions");
    }
    let confirm = Work::Confirm(transfer(2), vec!["1-0".to_owned()]);
    assert!(two.work().any(|work| work == confirm));
    one.apply(Command::Delete(transfer(2)));
    two.apply(Command::Confirm(transfer(2)));
    assert!(!one.kept.contains_key(&transfer(2)) && two.work().all(|work| work != confirm));
}

#[test]
fn a_shard_without_an_owner_waits_at_its_last_one() {
    let (mut one, mut two) = (ShardedStore::new(1), ShardedStore::new(2));
    let empty = Configuration { number: 2, ..Configuration::default() };
    for store in [&mut one, &mut two] {
        store.apply(Command::Configure(configuration(1, 1)));
    }
    one.apply(append(1));
    for next in [empty, configuration(3, 2)] {
        two.apply(Command::Configure(next));
    }
    assert_eq!(value(&two), None, "the last owner may still serve it");
    let fetch = Work::Fetch(transfer(2), vec!["1-0".to_owned()]);
    assert!(two.work().any(|work| work == fetch));
    one.apply(Command::Configure(Configuration { number: 2, ..Configuration::default() }));
    assert_eq!(value(&one), None);
    let copy = one.kept[&transfer(2)].clone();
    two.apply(Command::Install(transfer(2), copy));
    assert_eq!(value(&two), Some("1 "));
}

#[test]
fn a_late_deletion_spares_a_shard_that_came_back_and_went_again() {
    let mut one = ShardedStore::new(1);
    one.apply(Command::Configure(configuration(1, 1)));
    one.apply(append(1));
    one.apply(Command::Configure(configuration(2, 2)));
    let copy = one.kept[&transfer(2)].clone();
    one.apply(Command::Configure(configuration(3, 1)));
    for shard in 0..SHARDS {
        let transfer = Transfer { configuration: 3, shard };
        one.apply(Command::Install(transfer, copy.clone()));
    }
    one.apply(Command::Configure(configuration(4, 2)));
    one.apply(Command::Delete(transfer(2)));
    assert!(one.kept.contains_key(&transfer(4)));
}

#[test]
fn keys_are_in_the_shards_of_the_lab() {
    let keys = ["0", "1", "2", "9", "10", "19", "20", ""];
    assert_eq!(keys.map(shard_of), [8, 9, 0, 7, 9, 9, 0, 0]);
}
