# What an application does with memcached, by Cache::Memcached, through shardproxy:
# perl memcached.pl HOST:PORT.
use strict;
use warnings;
use Cache::Memcached;

my $c = Cache::Memcached->new({ servers => [ $ARGV[0] ], select_timeout => 10 });
my @keys = map { "user:$_" } 0 .. 99;
$c->set($_, "name of $_") or die "set $_" for @keys;
my $found = $c->get_multi(@keys, "nobody");
keys %$found == @keys or die "get_multi: " . keys %$found;
$found->{$_} eq "name of $_" or die "$_ is $found->{$_}" for @keys;
$c->set("list", [ 1, 2, { three => 3 } ]);
$c->get("list")->[2]{three} == 3 or die "a structure";
$c->set("n", 41);
$c->incr("n") == 42 or die "incr";
$c->decr("n", 2) == 40 or die "decr";
!$c->add("n", 1) or die "add of what is there";
$c->replace("n", "new") or die "replace";
$c->append("n", "er") or die "append";
$c->get("n") eq "newer" or die "append made " . $c->get("n");
$c->delete("n") or die "delete";
!defined $c->get("n") or die "it is still there";
$c->flush_all;
!defined $c->get("user:1") or die "flush_all left something";
print "all of it works\n";
